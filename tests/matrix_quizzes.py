"""Rows of the permission matrix for the bank, quizzes, sittings and marks."""

from __future__ import annotations

import io
from typing import Any

import picture_kit
import sqlalchemy as sa
from marks_kit import hand_in

from matrix_kit import EVERYBODY, MEMBERS, NOBODY, REVIEWING, SIGNED_IN, TEACHING, Call, Make, World, nothing
from quiz_kit import make_question, make_quiz
from school.core.time import day_of, now
from school.quizzes.access import standing
from school.quizzes.bank import exchange, files
from school.quizzes.bank.models import QuestionKind, QuestionState
from school.quizzes.papers import onpaper
from school.quizzes.papers.models import Quiz, QuizItem, QuizKind, QuizSection, QuizState
from school.quizzes.papers.paper import paper_of
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.tokens import Ticket, seal

# ---- the things


def quiz_of(w: World, *audience: int, state: QuizState = QuizState.PUBLISHED) -> Quiz:
    """A quiz of the trainer, held by the county, of one question."""
    with w.db.write() as s:
        return make_quiz(s, w.cast, [make_question(s, w.cast)], audience=audience, state=state)


def quiz_for_all(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w).id})


def quiz_for_own_branch(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, w.cast.branch_id).id})


def quiz_draft(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.DRAFT).id})


def quiz_in_review(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.IN_REVIEW).id})


def quiz_withdrawn(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.WITHDRAWN).id})


def _section_of(w: World) -> dict[str, Any]:
    """A draft's fixed section with its question, as values of their addresses."""
    quiz = quiz_of(w, state=QuizState.DRAFT)
    with w.db.write() as s:
        section = s.scalars(sa.select(QuizSection).where(QuizSection.quiz_id == quiz.id)).one()
        item = s.scalars(sa.select(QuizItem).where(QuizItem.section_id == section.id)).one()
        return {"quiz_id": quiz.id, "section_id": section.id, "question_id": item.question_id}


def section_of_draft(w: World) -> Call:
    values = _section_of(w)
    del values["question_id"]
    return Call(values, {"data": {"do": "save", "title": "单选", "points": "2"}})


def questions_for_draft(w: World) -> Call:
    call = section_of_draft(w)
    with w.db.write() as s:
        call.send = {"data": {"question": make_question(s, w.cast).id}}
    return call


def question_of_draft(w: World) -> Call:
    values = _section_of(w)
    return Call(values, {"data": {"do": "points", "points": "3"}})


def new_quiz(w: World) -> Call:
    return Call({}, {"data": {"host": w.cast.county_id, "preset": "exam", "title": "党章测验"}})


def quiz_returned(w: World) -> Call:
    return Call(quiz_in_review(w).values, {"data": {"note": "第一题的答案请再核对。"}})


def paper_exam(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, w.cast.branch_id).id}, {"data": {"org": w.cast.branch_id}})


def printed_paper(w: World) -> Call:
    """A paper for the member, printed and waiting to be entered."""
    quiz = quiz_of(w, w.cast.branch_id)
    with w.db.write() as s:
        here = standing(s, w.cast.trainer.person, quiz.id)
        onpaper.prepare(s, here, w.cast.branch_id, now(), "Asia/Shanghai", same=True)
        attempt = s.scalars(sa.select(Attempt).where(Attempt.quiz_id == quiz.id).limit(1)).one()
    return Call({"quiz_id": quiz.id, "attempt_id": attempt.id}, {"data": {"a0": "B"}})


def sitting_of(w: World, state: AttemptState = AttemptState.OPEN) -> Call:
    """A sitting of the member, whose one answer is wrong."""
    quiz = quiz_of(w)
    with w.db.write() as s:
        paper = [list(row) for row in paper_of(s, quiz, 1, day_of(now(), "Asia/Shanghai"))]
        made = Attempt(
            quiz_id=quiz.id, member_id=w.cast.member.member_id, account_id=w.cast.member.account_id,
            org_id=w.cast.branch_id, no=1, state=state, seed=1, paper=paper, started_ms=0, max_100=500, score_100=0,
        )  # fmt: skip
        s.add(made)
        s.flush()
        s.add(
            AttemptAnswer(attempt_id=made.id, position=0, version_id=paper[0][0], answer=[0], n=1, saved_ms=1, points_100=0)
        )  # fmt: skip
        return Call({"attempt_id": made.id})


def page_of_sitting(w: World, *, forged: bool = False) -> Call:
    """What the page of the member's sitting sends."""
    call = sitting_of(w)
    attempt_id, holder = call.values["attempt_id"], "0123456789abcdef"
    with w.db.write() as s:
        s.get_one(Attempt, attempt_id).holder = holder
    token = seal(w.keys, Ticket(attempt_id, w.cast.member.member_id, holder))
    if forged:
        token = token.replace(holder, holder[::-1])
    return Call(call.values, {"json": {"token": token, "answers": []}})


def answers_of_page(w: World) -> Call:
    return Call({}, page_of_sitting(w).send)


def forged_answers(w: World) -> Call:
    return Call({}, page_of_sitting(w, forged=True).send)


def forged_submission(w: World) -> Call:
    return page_of_sitting(w, forged=True)


def sitting_marked(w: World) -> Call:
    return sitting_of(w, AttemptState.MARKED)


def wrong_answer(w: World) -> Call:
    """A mistake in the member's book, who sits no exam just now: beside one the book is shut."""
    marked = sitting_marked(w)
    with w.db.write() as s:
        sat = Attempt.member_id == w.cast.member.member_id, Attempt.state == AttemptState.OPEN
        s.execute(sa.update(Attempt).where(*sat).values(state=AttemptState.VOID))
    return Call({**marked.values, "position": 0}, {"json": {"a": [1]}})


def a_sitter(w: World) -> Call:
    """Somebody of 河东村 who sits a quiz for it, and what a form of the invigilator's page sends."""
    quiz = quiz_of(w, w.cast.branch_id)
    with w.db.write() as s:
        attempt = Attempt(
            quiz_id=quiz.id, member_id=w.cast.member.member_id, account_id=w.cast.member.account_id,
            org_id=w.cast.branch_id, no=1, seed=1, started_ms=1_790_000_000_000, deadline_ms=2_000_000_000_000,
            paper=[], max_100=500, seen_ms=1_790_000_000_000,
        )  # fmt: skip
        s.add(attempt)
        s.flush()
        form = {"minutes": "5", "reason": "停电", "text": "停电五分钟。"}
        return Call({"quiz_id": quiz.id, "attempt_id": attempt.id}, {"data": form})


def the_room(w: World) -> Call:
    call = a_sitter(w)
    return Call({"quiz_id": call.values["quiz_id"]}, call.send)


# ---- marks and results

OVERSEEING = {"trainer", "reviewer", "admin"}


def handed_in(w: World, *audience: int, **fields: Any) -> Call:
    """A quiz of one short question that the member of the branch has answered."""
    with w.db.write() as s:
        questions = [make_question(s, w.cast, QuestionKind.SHORT)]
        quiz = make_quiz(s, w.cast, questions, audience=audience, **fields)
        hand_in(s, quiz, questions, w.cast.member.member_id, ["每月一次。"])
    return Call({"quiz_id": quiz.id}, {"data": {"answer": "k1.forged", "points": "1"}})


def contest_over(w: World) -> Call:
    return handed_in(w, w.cast.branch_id, kind=QuizKind.CONTEST, table_open=True)


def handed_in_of_branch(w: World) -> Call:
    return handed_in(w, w.cast.branch_id)


def question_served(w: World) -> Call:
    with w.db.write() as s:
        made = make_question(s, w.cast)
    data = {"version": "1", "revision": "1", "right": "2", "reason": "原答案有误"}
    return Call({"question_id": made.id}, {"data": data})


def file_of_questions(w: World) -> Call:
    text = "题目？\nA. 一\nB. 二\nANSWER: A\n"
    return Call({}, {"data": {"file": (io.BytesIO(text.encode()), "a.txt"), "host": w.cast.county_id}})


def import_put_aside(w: World) -> Call:
    """A file of the trainer's that was read and is not taken in."""
    preview = exchange.opened("题目？\nA. 一\nB. 二\nANSWER: A\n".encode(), None, "")
    import_id = exchange.keep(w.db, w.store, w.cast.trainer.person, w.cast.county_id, "a.txt", preview)
    return Call({"import_id": import_id}, {"data": {"do": "take"}})


def import_shown(w: World) -> Call:
    return Call(import_put_aside(w).values)


def _question(w: World, state: QuestionState) -> int:
    with w.db.write() as s:
        return make_question(s, w.cast, state=state).id


def question_draft(w: World) -> Call:
    """A draft of the county's bank; also what a form would say that does not fit."""
    return Call({"question_id": _question(w, QuestionState.DRAFT)}, {"data": {"kind": "single"}})


def question_approved(w: World) -> Call:
    return Call({"question_id": _question(w, QuestionState.APPROVED)})


def question_to_submit(w: World) -> Call:
    return Call({"question_id": _question(w, QuestionState.DRAFT), "verb": "submit"})


def question_to_recall(w: World) -> Call:
    return Call({"question_id": _question(w, QuestionState.IN_REVIEW), "verb": "recall"})


def question_to_withdraw(w: World) -> Call:
    return Call({"question_id": _question(w, QuestionState.APPROVED), "verb": "withdraw"})


def question_to_judge(w: World) -> Call:
    return Call(send={"data": {"ids": _question(w, QuestionState.IN_REVIEW), "do": "approve"}})


def question_of_the_county(w: World) -> Call:
    return Call(send={"data": {"host": w.cast.county_id, "kind": "single"}})


def picture_of_the_county(w: World) -> Call:
    return Call(send={"data": {"host": w.cast.county_id, "file": (io.BytesIO(picture_kit.png()), "a.png")}})


def _file_address(w: World, signature: str = "") -> Call:
    kept = picture_kit.kept_file(w.db, w.store, w.cast)
    *_, until, mac = files.for_now(w.keys, kept.id).split("/")
    return Call({"file_id": kept.id, "until": int(until), "signature": signature or mac})


def file_signed(w: World) -> Call:
    return _file_address(w)


def file_forged(w: World) -> Call:
    return _file_address(w, "k1.forged")


# ---- the table

TABLE: list[tuple[str, str, Make, set[str]]] = [
    # a sitting, by its member and by its page's token
    ("POST", "quizzes.start", quiz_for_all, MEMBERS),
    ("POST", "quizzes.start", quiz_for_own_branch, {"member", "secretary"}),
    ("POST", "quizzes.start", quiz_draft, NOBODY),
    ("GET", "quizzes.attempt_clock", sitting_of, {"member"}),
    ("POST", "sittings.answers", answers_of_page, EVERYBODY),  # the signed token is the permission
    ("POST", "sittings.answers", forged_answers, NOBODY),
    ("POST", "sittings.submit", page_of_sitting, EVERYBODY),
    ("POST", "sittings.submit", forged_submission, NOBODY),
    # the question bank
    ("GET", "quizzes.bank_list", nothing, TEACHING | REVIEWING),
    ("POST", "quizzes.bank_batch", nothing, TEACHING | REVIEWING),
    ("GET", "quizzes.question", question_draft, {"trainer", "colleague", "reviewer", "admin"}),
    ("GET", "quizzes.question", question_approved, TEACHING | REVIEWING),
    ("POST", "quizzes.move_question", question_to_submit, {"trainer", "colleague"}),
    ("POST", "quizzes.move_question", question_to_recall, {"trainer", "colleague"}),
    ("POST", "quizzes.move_question", question_to_withdraw, {"trainer", "colleague", "reviewer", "admin"}),
    ("GET", "quizzes.new_question", nothing, TEACHING),
    ("POST", "quizzes.create_question", question_of_the_county, {"trainer", "colleague"}),
    ("GET", "quizzes.edit_question", question_approved, {"trainer", "colleague"}),
    ("POST", "quizzes.save_question", question_draft, {"trainer", "colleague"}),
    ("POST", "quizzes.upload_file", picture_of_the_county, {"trainer", "colleague"}),
    ("POST", "quizzes.alike", nothing, TEACHING),
    ("GET", "quizzes.review_bank", nothing, REVIEWING),
    ("POST", "quizzes.judge_questions", question_to_judge, {"reviewer", "admin"}),
    ("GET", "quizzes.file", file_signed, EVERYBODY),  # the signed address is the permission
    ("GET", "quizzes.file", file_forged, NOBODY),
    # quizzes as their people see them
    ("GET", "quizzes.index", nothing, SIGNED_IN),
    ("GET", "quizzes.page", quiz_for_all, SIGNED_IN),
    ("GET", "quizzes.page", quiz_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "quizzes.page", quiz_draft, {"trainer"}),
    ("GET", "quizzes.page", quiz_in_review, {"trainer", "reviewer", "admin"}),
    ("GET", "quizzes.page", quiz_withdrawn, {"trainer", "reviewer", "admin"}),
    # the studio
    ("GET", "quizzes.studio", nothing, TEACHING),
    ("GET", "quizzes.new_quiz", nothing, TEACHING),
    ("POST", "quizzes.create_quiz", new_quiz, {"trainer", "colleague"}),
    ("GET", "quizzes.edit", quiz_draft, {"trainer"}),
    ("POST", "quizzes.save_quiz", quiz_draft, {"trainer"}),
    ("POST", "quizzes.add_section", quiz_draft, {"trainer"}),
    ("POST", "quizzes.change_section", section_of_draft, {"trainer"}),
    ("GET", "quizzes.choose", section_of_draft, {"trainer"}),
    ("POST", "quizzes.add_questions", questions_for_draft, {"trainer"}),
    ("POST", "quizzes.change_question", question_of_draft, {"trainer"}),
    ("POST", "quizzes.submit_quiz", quiz_draft, {"trainer"}),
    ("POST", "quizzes.recall_quiz", quiz_in_review, {"trainer"}),
    ("POST", "quizzes.copy_quiz", quiz_for_all, {"trainer"}),
    ("POST", "quizzes.discard_quiz", quiz_draft, {"trainer"}),
    ("GET", "quizzes.sample", quiz_draft, {"trainer"}),
    ("GET", "quizzes.sample", quiz_in_review, {"trainer", "reviewer", "admin"}),
    ("GET", "quizzes.sample", quiz_for_all, {"trainer", "reviewer", "admin"}),
    # review
    ("POST", "quizzes.publish", quiz_in_review, {"reviewer", "admin"}),
    ("POST", "quizzes.give_back", quiz_returned, {"reviewer", "admin"}),
    ("POST", "quizzes.withdraw", quiz_for_all, {"trainer", "reviewer", "admin"}),
    # on paper
    ("GET", "quizzes.onpaper_roster", quiz_for_own_branch, {"trainer"}),
    ("POST", "quizzes.prepare_papers", paper_exam, {"trainer"}),
    ("GET", "quizzes.print_papers", printed_paper, {"trainer"}),
    ("GET", "quizzes.print_key", printed_paper, {"trainer"}),
    ("POST", "quizzes.enter_sums", printed_paper, {"trainer"}),
    ("GET", "quizzes.answers_on_paper", printed_paper, {"trainer"}),
    ("POST", "quizzes.enter_answers", printed_paper, {"trainer"}),
    # marks and results
    *(
        ("GET", endpoint, thing, allowed)
        for endpoint in ("quizzes.all_results", "quizzes.results_export", "quizzes.results_print")
        for thing, allowed in (
            (handed_in, {*OVERSEEING, "secretary", "neighbour", "stranger"}),  # secretaries: of their own organisations
            (handed_in_of_branch, {*OVERSEEING, "secretary"}),
            (contest_over, {"trainer"}),
        )
    ),
    ("GET", "quizzes.contest_table", contest_over, {"member", "secretary", "trainer"}),
    ("GET", "quizzes.marking", handed_in, OVERSEEING),
    ("POST", "quizzes.give_mark", handed_in, OVERSEEING),
    ("POST", "quizzes.put_note_away", handed_in, MEMBERS),
    ("GET", "quizzes.key", question_served, OVERSEEING),
    ("POST", "quizzes.correct_key", question_served, OVERSEEING),
    # the invigilator's page
    ("GET", "quizzes.desk", the_room, {"trainer"}),
    ("GET", "quizzes.desk_room", the_room, {"trainer"}),
    ("GET", "quizzes.sitter", a_sitter, {"trainer"}),
    *(
        ("POST", f"quizzes.{verb}", the_room, {"trainer"})
        for verb in ("new_code", "extend_all", "pause_all", "resume_all", "collect_all", "note_room")
    ),
    *(
        ("POST", f"quizzes.{verb}", a_sitter, {"trainer"})
        for verb in ("extend_one", "collect_one", "void_one", "reopen_one", "note_sitter")
    ),
    # the analysis
    *(
        (method, f"quizzes.{endpoint}", the_room, {"trainer", "reviewer", "admin"})
        for method, endpoint in (
            ("GET", "report"),
            ("POST", "rebuild_report"),
            ("GET", "report_export"),
            ("GET", "report_print"),
        )
    ),
    # who takes a quiz
    ("GET", "quizzes.sitting", sitting_of, {"member"}),
    ("GET", "quizzes.result", sitting_marked, {"member", "trainer", "reviewer", "admin"}),
    ("GET", "quizzes.wrong_book", nothing, MEMBERS),
    ("POST", "quizzes.redo_wrong", wrong_answer, {"member"}),
    # files of questions
    ("GET", "quizzes.new_import", nothing, TEACHING),
    ("GET", "quizzes.import_template", nothing, TEACHING),
    ("POST", "quizzes.read_import", file_of_questions, {"trainer", "colleague"}),
    ("GET", "quizzes.show_import", import_shown, {"trainer"}),
    ("GET", "quizzes.import_problems", import_shown, {"trainer"}),
    ("POST", "quizzes.take_import", import_put_aside, {"trainer"}),
    ("GET", "quizzes.export", nothing, TEACHING | REVIEWING),
    ("GET", "quizzes.export_file", nothing, TEACHING | REVIEWING),
]
