"""XML from outside, read without entities or external references. The only file that knows defusedxml."""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse


class Unreadable(Exception):
    """It is no sound XML: wrong at `line`, or `hostile` (it defines entities or refers to something outside)."""

    def __init__(self, line: int = 0, *, hostile: bool = False) -> None:
        super().__init__(line, hostile)
        self.line = line
        self.hostile = hostile


def tree(data: bytes) -> Element:
    """The root of a small document that has no business defining anything. Raises Unreadable."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        raise Unreadable(hostile=True) from None
    except ParseError as error:
        raise Unreadable(error.position[0]) from None
    except (ValueError, LookupError):
        raise Unreadable from None
    return root


def events(data: bytes) -> Iterator[tuple[str, Element]]:
    """`start` and `end` of each element of a large document, one after the other. Raises Unreadable."""
    source = iterparse(io.BytesIO(data), ("start", "end"), forbid_entities=True, forbid_external=True)
    while True:
        try:
            step = next(source, None)
        except DefusedXmlException:
            raise Unreadable(hostile=True) from None
        except ParseError as error:
            raise Unreadable(error.position[0]) from None
        except (ValueError, LookupError):  # an encoding that is none
            raise Unreadable from None
        if step is None:
            return
        yield step
