"""Names, ID numbers, passwords, masks and pinyin: the pure rules of the org room."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.core.errors import Invalid
from school.org import pinyin, rules


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王　秋", "王秋"),
        (" 欧阳 清和 ", "欧阳清和"),
        ("古丽.买买提", "古丽·买买提"),
        ("古丽 • 买买提", "古丽·买买提"),
        ("古丽・买买提", "古丽·买买提"),
        ("古丽．买买提", "古丽·买买提"),
        ("Ｊｏｈｎ  Smith", "John Smith"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("字" * 40, "字" * 40),
    ],
)
def test_names_are_kept_in_one_form(typed: str, kept: str) -> None:
    assert rules.normalise_name(typed) == kept
    assert rules.normalise_name(kept) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("　", "name.empty"),
        ("字" * 41, "name.long"),
        ("王\u202e秋", "name.signs"),
        ("王\x07秋", "name.signs"),
        ("王\u200b秋", "name.signs"),
    ],
)
def test_names_that_cannot_be_kept_say_why(typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.normalise_name(typed)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("typed", "born", "gender"),
    [
        ("11010519491231002X", date(1949, 12, 31), 2),  # the standard's own example
        ("１１０１０５ １９４９１２３１ ００２ｘ", date(1949, 12, 31), 2),
        ("990102198802290016", date(1988, 2, 29), 1),
        ("110105491231002", date(1949, 12, 31), 2),  # the old 15 digits
    ],
)
def test_an_id_number_is_read_as_people_write_it(typed: str, born: date, gender: int) -> None:
    number = rules.parse_id_number(typed)
    assert (number.born, number.gender) == (born, gender)
    assert len(number.text) == 18
    assert rules.parse_id_number(number.text) == number


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("110105194912310021", "id_number.check"),
        ("11010519491231002", "id_number.form"),
        ("1101051949123100२X", "id_number.form"),
        ("110105198902290014", "id_number.birth"),
        ("", "id_number.form"),
    ],
)
def test_a_wrong_id_number_says_what_is_wrong(typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.parse_id_number(typed)
    assert refused.value.code == code


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_one_altered_digit_never_passes(born: date, sequence: int, place: int, step: int) -> None:
    first = f"990102{born:%Y%m%d}{sequence:03}"
    number = first + rules.id_check_sign(first)
    assert rules.parse_id_number(number).born == born
    altered = f"{number[:place]}{(int(number[place]) + step) % 10}{number[place + 1 :]}"
    with pytest.raises(Invalid):
        rules.parse_id_number(altered)


def test_masks_show_the_ends_only() -> None:
    assert rules.mask_id_number("990102198802290016") == "990***********0016"
    assert rules.mask_mobile("13800000000") == "138****0000"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 139 0000 0317 ", "13900000317"),
        ("+86 139-0000-0317", "13900000317"),
        ("１３９００００", "1390000"),
        ("LinZhichun", "linzhichun"),
    ],
)
def test_a_phone_number_is_taken_as_it_is_typed(typed: str, kept: str) -> None:
    assert rules.normalise_login(typed) == kept


@pytest.mark.parametrize(
    ("password", "admin", "code"),
    [
        ("Qh-2026", False, "password.short"),
        ("Qinghe-2026", True, "password.short"),
        ("qinghe2026", False, "password.simple"),
        ("青禾青禾青禾2026", False, "password.simple"),
        ("Linzhichun-2026", False, "password.named"),
        ("A1-" * 50, False, "password.long"),
    ],
)
def test_a_weak_password_says_what_to_change(password: str, admin: bool, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_new_password(password, admin=admin, login="linzhichun", name="林知春")
    assert refused.value.code == code


def test_a_good_password_passes() -> None:
    rules.check_new_password("Chunfeng-26", admin=False, login="linzhichun", name="林知春")
    rules.check_new_password("春风Hua雨26", admin=False)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/courses?q=a", True),
        ("//elsewhere.example", False),
        ("/\\elsewhere.example", False),
        ("https://elsewhere.example/", False),
        ("javascript:alert(1)", False),
        ("/a\r\nSet-Cookie: x=1", False),
        ("/\t/elsewhere.example", False),
        ("", False),
        (None, False),
    ],
)
def test_only_own_paths_are_followed(target: str | None, kept: bool) -> None:
    assert rules.own_path(target) == (target if kept else None)


@pytest.mark.parametrize(
    ("name", "spelled", "initials"),
    [
        ("王知秋", "wangzhiqiu", "wzq"),
        ("单知秋", "shanzhiqiu", "szq"),
        ("曾小满", "zengxiaoman", "zxm"),
        ("解立冬", "xielidong", "xld"),
        ("仇霜降", "qiushuangjiang", "qsj"),
        ("欧阳清和", "ouyangqinghe", "oyqh"),
        ("尉迟谷雨", "yuchiguyu", "ycgy"),
        ("王单", "wangdan", "wd"),  # the surname's reading is for the first sign only
        ("单单", "shandan", "sd"),
        ("阿依古丽·买买提", "ayigulimaimaiti", "ayglmmt"),
        ("John Smith", "johnsmith", "js"),
    ],
)
def test_names_are_found_by_pinyin_and_initials(name: str, spelled: str, initials: str) -> None:
    assert pinyin.spell(name) == (spelled, initials)


def test_surname_strokes_order_official_lists() -> None:
    names = ["郑小满", "欧阳清和", "丁立春", "单知秋", "王小雪", "周谷雨", "马春分"]
    assert sorted(names, key=pinyin.strokes) == ["丁立春", "马春分", "王小雪", "郑小满", "欧阳清和", "单知秋", "周谷雨"]
