"""A paper as an office sends it out, written once: what stands on it, apart from how it is set.

`pdf.render` and `word.render` set the same paper. Every text is plain text; nothing in it is read
as markup by either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from maplebridge.lib.text import printable

# Code points that are no characters; neither XML nor a font knows them.
_NO_CHARACTER = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text. indented: its first line, by two characters, as Chinese papers do."""

    text: str
    indented: bool = True


@dataclass(frozen=True)
class Facts:
    """A ruled block of names and values, as on a slip."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figures:
    """A few large figures side by side: (name, figure)."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """A column of a table. share: of the width, relative to the others'."""

    name: str
    share: float = 1
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table that repeats its head on each page.

    notes: how its figures are defined and what they leave out. empty: said in place of no rows.
    total: the last row is a sum.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    empty: str = ""
    total: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a row that does not fit the columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells for {len(self.columns)} columns")


@dataclass(frozen=True)
class Note:
    """Small print."""

    text: str


@dataclass(frozen=True)
class Signature:
    """Who signs, on the right, with room for a seal; then places to sign by hand."""

    issuer: str
    day: str
    places: tuple[str, ...] = ()


Block = Heading | Paragraph | Facts | Figures | Table | Note | Signature


@dataclass(frozen=True)
class Paper:
    """A whole paper.

    issuer: the unit at its head, in red. number: under which it is filed. mark: a word in the
    corner, as "draft". foot: a line at the foot of each page. page: its number there, with
    "{n}" and "{of}" as blanks. language: as in HTML.
    """

    title: str
    issuer: str
    blocks: tuple[Block, ...]
    number: str = ""
    day: str = ""
    mark: str = ""
    foot: str = ""
    page: str = "{n} / {of}"
    language: str = "zh"


MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def printed(part: Any) -> Any:
    """A paper, or a part of one, with its texts as they can be printed.

    Lines stay; characters that nobody sees, and code points that are none, go.
    """
    if isinstance(part, str):
        return printable(_NO_CHARACTER.sub("", part))
    if isinstance(part, tuple):
        return tuple(printed(each) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        found = {each.name: printed(getattr(part, each.name)) for each in fields(part)}
        return replace(part, **found)
    return part


def render(paper: Paper, form: str) -> bytes:
    """The paper as the bytes of a file. Raises ValueError for another form than pdf and docx."""
    from maplebridge.lib.papers import pdf, word

    match form:
        case "pdf":
            return pdf.render(paper)
        case "docx":
            return word.render(paper)
    raise ValueError(f"a paper is set as pdf or docx, not {form!r}")
