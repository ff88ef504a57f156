"""Rules of names, ID numbers, sign-in names, passwords and masks. Pure: no database, clock or web."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from school.core.errors import Invalid
from school.core.i18n import N_

NAME_LENGTH = 40
FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ADDRESS = 100
FAILURE_MINUTES = 15
PASSWORD_LENGTH = 8
ADMIN_PASSWORD_LENGTH = 12
PASSWORDS_KEPT = 5  # that may not come back

_DOTS = str.maketrans(dict.fromkeys("•・･‧∙⋅", "·"))
_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
_DOT_BETWEEN_HAN = re.compile(f"(?<=[{_HAN}])\\s*[.·]\\s*(?=[{_HAN}])")
_SPACE_BETWEEN_HAN = re.compile(f"(?<=[{_HAN}])\\s+(?=[{_HAN}])")


def normalise_name(text: str) -> str:
    """A person's name as it is kept: full-width letters made narrow, every middle dot `·`, no spaces between Han signs.

    `王　秋` becomes `王秋`, `古丽.买买提` becomes `古丽·买买提`. Raises Invalid when empty, too long or with control signs.
    """
    name = unicodedata.normalize("NFKC", text).translate(_DOTS).strip()
    name = _SPACE_BETWEEN_HAN.sub("", _DOT_BETWEEN_HAN.sub("·", name))
    name = re.sub(r"\s+", " ", name)
    if not name:
        raise Invalid("name.empty", N_("请填写姓名。"))
    if len(name) > NAME_LENGTH:
        raise Invalid("name.long", N_("姓名最多 %(most)s 个字，请核对。"), most=NAME_LENGTH)
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn"} for sign in name):
        raise Invalid("name.signs", N_("姓名里有看不见的符号，请重新输入，不要从别处粘贴。"))
    return name


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A checked citizen's ID number: 18 signs, upper case. `gender` is 1 male, 2 female as GB/T 2261.1 writes it."""

    text: str
    born: date
    gender: int


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def id_check_sign(first_17: str) -> str:
    """The 18th sign of GB 11643-1999."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True)) % 11]


def parse_id_number(text: str) -> IdNumber:
    """An ID number as people write it: full-width digits, spaces, a small x and the old 15 digits are taken.

    Raises Invalid with what is wrong with it.
    """
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if re.fullmatch(r"[0-9]{15}", number):
        number = f"{number[:6]}19{number[6:]}"
        number += id_check_sign(number)
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise Invalid("id_number.form", N_("公民身份号码应为 18 位，最后一位可以是 X，请核对。"))
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise Invalid("id_number.birth", N_("公民身份号码里的出生日期不存在，请核对第 7 至 14 位。")) from None
    if id_check_sign(number[:17]) != number[17]:
        raise Invalid("id_number.check", N_("公民身份号码的最后一位对不上，可能抄错了一位，请核对。"))
    return IdNumber(number, born, 1 if int(number[16]) % 2 else 2)


def mask_id_number(number: str) -> str:
    """First three and last four signs: `990***********0016`."""
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"


def mask_mobile(mobile: str) -> str:
    """`138****0000`."""
    return f"{mobile[:3]}****{mobile[-4:]}"


def normalise_login(text: str) -> str:
    """What somebody types as account or phone number: narrow, lower case; a phone number without spaces and +86."""
    login = unicodedata.normalize("NFKC", text).strip().lower()
    digits = re.sub(r"[\s()+-]", "", login)
    if digits.isdigit():
        return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
    return login[:60]


def check_new_password(password: str, *, admin: bool, login: str = "", name: str = "") -> None:
    """Refuse a password that is too short, too simple, or names its owner. Raises Invalid with a sentence."""
    least = ADMIN_PASSWORD_LENGTH if admin else PASSWORD_LENGTH
    if len(password) < least:
        raise Invalid("password.short", N_("密码至少要 %(least)s 位，请再加长一些。"), least=least)
    if len(password) > 128:
        raise Invalid("password.long", N_("密码最多 128 位，请缩短一些。"))
    kinds = [
        any(sign.islower() for sign in password),
        any(sign.isupper() for sign in password),
        any(sign.isdigit() for sign in password),
        any(not sign.isalnum() or ord(sign) > 127 for sign in password),
    ]
    if sum(kinds) < 3:
        raise Invalid("password.simple", N_("密码太简单。大写字母、小写字母、数字、符号，至少要用到三种。"))
    told = password.lower()
    if any(word and len(word) > 2 and word.lower() in told for word in (login, name)):
        raise Invalid("password.named", N_("密码里不要包含自己的账号或姓名，请换一个。"))


def own_path(target: str | None) -> str | None:
    """`target` when it is a path of this site, else None: `//elsewhere` and `/\\elsewhere` lead away."""
    if not target or not target.startswith("/") or target[1:2] in {"/", "\\"}:
        return None
    return None if any(ord(sign) < 32 for sign in target) else target
