"""The tables of a quiz's analysis that leave the school: figures, questions, options, organisations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.analysis.service import Body, ItemLine, OrgLine
from school.quizzes.bank.models import QuestionKind
from school.quizzes.papers.models import Quiz
from school.webkit.xlsx import Column, Sheet

FLAGS = {  # what looks wrong, in a word and in a sentence with what to do
    "key": (N_("答案存疑"), N_("成绩好的同志多数选了另一个答案，正确答案可能设错了。请先核对答案。")),
    "negative": (N_("反向区分"), N_("成绩好的同志反而更容易答错。请看题意是不是有歧义。")),
    "variant": (N_("可能漏了写法"), N_("不少人写了同一个没有算对的答案。请看要不要把它也算对。")),
    "hard": (N_("过难"), N_("答对的不到两成。请看是不是没有讲到，或超出范围。")),
    "weak": (N_("区分度低"), N_("掌握得好和掌握得差的同志，答得差不多。请看选项和说法。")),
    "left": (N_("空答多"), N_("有一成半以上的人没有作答。请看题目是不是太长或排得太后。")),
    "easy": (N_("过易"), N_("几乎人人答对。作为检查可以留，用来区分可以换。")),
    "dead": (N_("有选项没人选"), N_("有的选项从来没有人选，可以换一个更像的。")),
}
METHODS = {"kr20": N_("KR-20"), "alpha": N_("克隆巴赫 α"), "half": N_("折半信度")}
JUDGED = {"true": N_("正确"), "false": N_("错误")}

FIGURES = (Column("项目", 24), Column("数值", 14), Column("说明", 60))
ITEMS = (
    Column("序号", 6, "count"), Column("题干", 48), Column("题型", 10), Column("作答人数", 10, "count"),
    Column("得分率", 9, "share"), Column("点二列相关", 11), Column("高低分组差", 11), Column("用时中位数（秒）", 10, "count"),
    Column("提示", 24),
)  # fmt: skip
CHOICES = (
    Column("题号", 6, "count"), Column("题干", 40), Column("选项或答案", 36), Column("正确", 6),
    Column("选的人数", 10, "count"), Column("占比", 9, "share"), Column("高分组", 9, "count"), Column("低分组", 9, "count"),
)  # fmt: skip
ORGS = (
    Column("序号", 6, "count"), Column("党组织名称", 30), Column("应考", 8, "count"), Column("参加", 8, "count"),
    Column("及格", 8, "count"), Column("及格率", 9, "share"), Column("平均得分率", 10, "share"), Column("备注", 16),
)  # fmt: skip


def _unit(quiz: Quiz, body: Body, printed: date) -> str:
    return f"主办单位：{quiz.org.name}　　参加：{body['people']} 人　　打印日期：{printed}"


def decimal(permille: int | None) -> str | None:
    """Thousandths as a coefficient: 431 → `0.43`, -50 → `−0.05`."""
    return None if permille is None else f"{permille / 1000:.2f}".replace("-", "−")


def _share(permille: int | None) -> str | None:
    return None if permille is None else f"{permille / 10:.1f}%"


def figures_table(quiz: Quiz, body: Body, printed: date) -> Sheet:
    """总体情况."""
    whole = body["whole"]
    rows = [
        ("参加人数", body["people"], "有成绩的人，按最好的一次"),
        ("及格人数", body["passed"], f"及格线 {quiz.pass_permille / 10:g}%"),
        ("分析的答卷", whole["attempts"], "每人第一次的答卷"),
        ("平均得分率", _share(whole["mean"]), ""),
        ("得分率中位数", _share(whole["median"]), ""),
        ("标准差", _share(whole["deviation"]), ""),
        (METHODS[whole["method"]], decimal(whole["reliability"]), "试卷的信度，0.8 以上为好，0.6 以下偏低"),
        ("测量误差", _share(whole["error"]), "一个人的得分率大约在这个范围里浮动"),
        *(
            (f"得分率 {10 * place}%—{10 * place + 10}%", count, "人")
            for place, count in enumerate(whole["histogram"])
        ),
    ]  # fmt: skip
    return Sheet("总体", f"{quiz.title}　总体情况", _unit(quiz, body, printed), FIGURES, rows)


def item_table(quiz: Quiz, body: Body, printed: date) -> Sheet:
    """题目分析, those that look wrong first."""
    rows = [
        (
            number, _stem(line), bodies.KINDS[QuestionKind(line["kind"])], line["answered"],
            None if line["difficulty"] is None else line["difficulty"] / 1000, decimal(line["biserial"]),
            decimal(line["discrimination"]), None if line["spent_ms"] is None else round(line["spent_ms"] / 1000),
            "已作废，全体给分" if line["waived"] else "，".join(FLAGS[flag][0] for flag in line["flags"]),
        )
        for number, line in enumerate(body["items"], start=1)
    ]  # fmt: skip
    return Sheet("题目", f"{quiz.title}　题目分析", _unit(quiz, body, printed), ITEMS, rows)


def choice_table(quiz: Quiz, body: Body, printed: date) -> Sheet:
    """选项分布, in the order of the questions."""
    rows = [
        (
            number, _stem(line), JUDGED.get(choice["text"], choice["text"]), "是" if choice["right"] else "",
            choice["count"], choice["count"] / line["served"] if line["served"] else None, choice["upper"],
            choice["lower"],
        )
        for number, line in enumerate(body["items"], start=1)
        for choice in line["choices"]
    ]  # fmt: skip
    return Sheet("选项", f"{quiz.title}　选项分布", _unit(quiz, body, printed), CHOICES, rows)


def org_table(quiz: Quiz, body: Body, lines: Sequence[tuple[str, OrgLine]], printed: date) -> Sheet:
    """各党组织情况, in organisation order; `lines` with the names."""
    rows = [
        (
            number, name, line["expected"] if quiz.compulsory else None, line["taken"], line["passed"],
            line["passed"] / line["taken"] if line["taken"] else None,
            line["permille"] / line["taken"] / 1000 if line["taken"] else None, "",
        )
        for number, (name, line) in enumerate(lines, start=1)
    ]  # fmt: skip
    return Sheet("各党组织", f"{quiz.title}　各党组织情况", _unit(quiz, body, printed), ORGS, rows)


def _stem(line: ItemLine) -> str:
    return " ".join(line["stem"].split())
