"""Text in Unicode's plain form is the same whichever way it is reached, and a mark of secrecy never reaches over two texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.core.errors import Invalid
from school.core.secrecy import refuse_secrets
from school.core.text import nfkc


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("，？！：；（）＝>\u0338\u0301ｱﾞ①e一"))
def test_the_fast_way_to_nfkc_is_nfkc(text: str) -> None:
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_no_other_sign_becomes_the_one_that_marks_of_secrecy_have() -> None:
    signs = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert [sign for sign in signs if "密" in unicodedata.normalize("NFKC", sign)] == ["密"]


def test_each_text_is_looked_into_by_itself() -> None:
    refuse_secrets("怎样保守机密", "★ 表示重点", "")
    with pytest.raises(Invalid) as caught:
        refuse_secrets("防汛", "机密★10年", "【秘密】")
    assert caught.value.params["mark"] == "机密★"
