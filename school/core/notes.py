"""What one person has to tell others of what they decided or saw: tidied, never empty, never too long."""

from __future__ import annotations

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.core.text import tidy_lines

LENGTH = 400  # characters


def checked(text: str, code: str, missing: str, *, most: int = LENGTH) -> str:
    """`text` tidied; Invalid (`code`) when it is empty (in the words `missing`), too long or carries a secrecy mark."""
    text = tidy_lines(text)
    refuse_secrets(text)
    if not text:
        raise Invalid(code, missing)
    if len(text) > most:
        raise Invalid(code, N_("说明最多 %(most)d 个字，请删短。"), most=most)
    return text
