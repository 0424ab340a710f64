"""Pages of applications beside our own: at the desks that they are for, and on the first page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maplebridge.insight.indicators import Brought
from maplebridge.organisation.people import Actor

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class DeskPage:
    """One entry of the desk's list of pages.

    address: the name of its URL. here: what its page says as `here`. is_for: whether a post has it.
    """

    address: str
    here: str
    label: str | _StrPromise
    icon: str
    is_for: Callable[[Actor], bool]


@dataclass(frozen=True)
class FirstPage:
    """One way of the first page, for everybody.

    address: the name of its URL. under: what one finds there, in a few words. tone: of its sign.
    """

    address: str
    label: str | _StrPromise
    under: str | _StrPromise
    icon: str
    tone: str


@dataclass(frozen=True)
class ReceiptPage:
    """A page that a receipt of one kind of case leads to.

    address: the name of its URL, which takes the query code.
    """

    kind: str
    address: str
    label: str | _StrPromise
    icon: str


@dataclass(frozen=True)
class CasePage:
    """A page that the page of a case of one kind leads to, for whoever sees the case.

    address: the name of its URL, which takes the case's id.
    """

    kind: str
    address: str
    label: str | _StrPromise
    icon: str


@dataclass(frozen=True)
class FigureLines:
    """Indicators on the page of figures, beside the platform's own. name: for the page's marks."""

    name: str
    label: str | _StrPromise
    lines_of: Brought


@dataclass(frozen=True)
class WallPanel:
    """Something that goes on now, on the board and the wall.

    template: draws one of them as `panel`. of: those of an area, the most pressing first.
    """

    template: str
    of: Callable[[str], Sequence[object]]


_offered: dict[str, DeskPage] = {}
_first: dict[str, FirstPage] = {}
_receipts: dict[str, ReceiptPage] = {}
_cases: dict[str, CasePage] = {}
_figures: dict[str, FigureLines] = {}
_panels: dict[str, WallPanel] = {}


def offer(page: DeskPage) -> None:
    """Adds a page; an application's `pages.py` calls it once, beside its addresses."""
    _offered[page.address] = page


def pages_for(actor: Actor) -> list[DeskPage]:
    """The pages of applications that a post has, by their addresses' names."""
    return [page for _name, page in sorted(_offered.items()) if page.is_for(actor)]


def offer_first(page: FirstPage) -> None:
    """Adds a way to the first page; an application's `pages.py` calls it once."""
    _first[page.address] = page


def first_pages() -> list[FirstPage]:
    """The ways of applications on the first page, by their addresses' names, the last first."""
    return [page for _name, page in sorted(_first.items(), reverse=True)]


def offer_receipt(page: ReceiptPage) -> None:
    """Adds a page to the receipts of a kind; an application's `pages.py` calls it once."""
    _receipts[page.kind] = page


def receipt_page(kind: str) -> ReceiptPage | None:
    """The page that the receipts of a kind lead to, if there is one."""
    return _receipts.get(kind)


def offer_case(page: CasePage) -> None:
    """Adds a page to the cases of a kind; an application's `pages.py` calls it once."""
    _cases[page.kind] = page


def case_page(kind: str) -> CasePage | None:
    """The page that the cases of a kind lead to, if there is one."""
    return _cases.get(kind)


def offer_figures(lines: FigureLines) -> None:
    """Adds indicators to the page of figures; an application's `pages.py` calls it once."""
    _figures[lines.name] = lines


def figure_lines() -> list[FigureLines]:
    """The indicators that applications bring along, by their names."""
    return [lines for _name, lines in sorted(_figures.items())]


def offer_panel(panel: WallPanel) -> None:
    """Adds what goes on now to the board; an application's `pages.py` calls it once."""
    _panels[panel.template] = panel


def panels_of(area_code: str) -> list[tuple[str, object]]:
    """What goes on in an area now, each with the template that draws it."""
    return [(one.template, shown) for one in _panels.values() for shown in one.of(area_code)]
