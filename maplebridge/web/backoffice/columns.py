"""What the columns of the city's tables are called, and what the codes in their cells mean."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from maplebridge.cases import deadlines
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.kinds import registry
from maplebridge.journey.models import Category
from maplebridge.organisation.editions import Cells
from maplebridge.organisation.models import Area
from maplebridge.web.parts.words import unit_name

SWITCHES = frozenset({"checked", "on_the_spot", "anonymous"})
ON, OFF = frozenset({"1", "yes"}), frozenset({"0", "no"})


def label(column: str) -> str:
    """A column in the reader's words; the file's own name for one that is not known here."""
    known = {
        "amount": pgettext("column", "How long"),
        "anonymous": pgettext("column", "Anonymous"),
        "area_code": pgettext("column", "Area"),
        "basis": pgettext("column", "Basis"),
        "begins": pgettext("column", "From"),
        "category": pgettext("column", "Category"),
        "checked": pgettext("column", "Checked"),
        "clause": pgettext("column", "Clause"),
        "clock": pgettext("column", "Clock"),
        "code": pgettext("column", "Code"),
        "confidentiality": pgettext("column", "Confidentiality"),
        "day": pgettext("column", "Day"),
        "ends": pgettext("column", "Until"),
        "group": pgettext("column", "Group"),
        "group_en": pgettext("column", "Group in English"),
        "handoff": pgettext("column", "Handed to"),
        "language": pgettext("column", "Language"),
        "line": pgettext("column", "Line"),
        "months": pgettext("column", "Months"),
        "move": pgettext("column", "Step"),
        "name": pgettext("column", "Name"),
        "name_en": pgettext("column", "Name in English"),
        "on_the_spot": pgettext("column", "On the spot"),
        "reason": pgettext("column", "Reason"),
        "sla_class": pgettext("column", "Time class"),
        "text": pgettext("column", "Text"),
        "unit": pgettext("column", "Counted in"),
        "unit_code": pgettext("column", "Unit"),
        "what": pgettext("column", "What"),
    }
    return known.get(column, column)


class Reader:
    """Reads cells of some rows: what it looks up is asked once for all of them."""

    def __init__(self, rows: Iterable[Cells]) -> None:
        listed = list(rows)
        categories = {cells.get("category", "") for cells in listed}
        areas = {cells.get("area_code", "") for cells in listed}
        self._categories = {
            each.code: each.shown_name for each in Category.objects.filter(pk__in=categories)
        }
        self._areas = dict(Area.objects.filter(pk__in=areas).values_list("code", "name"))
        self._moves = public_moves() if any("move" in cells for cells in listed) else {}

    def words(self, column: str, cell: str) -> str:
        """What a cell's code means; empty where the cell speaks for itself."""
        if not cell:
            return ""
        if column in SWITCHES:
            return _("Yes") if cell in ON else _("No") if cell in OFF else ""
        known = {
            "category": self._categories,
            "area_code": self._areas,
            "move": self._moves,
            "language": {code: str(name) for code, name in settings.LANGUAGES},
            "confidentiality": {each.value: str(each.label) for each in Confidentiality},
            "unit": self._measures(),
        }
        if column in known:
            return known[column].get(cell, "")
        said = {"clock": deadlines.label, "unit_code": unit_name}
        found = said[column](cell) if column in said else ""
        return "" if found == cell else found

    def _measures(self) -> dict[str, str]:
        return {
            "min": pgettext("measure", "minutes"),
            "h": pgettext("measure", "hours"),
            "d": pgettext("measure", "days"),
            "wh": pgettext("measure", "working hours"),
            "wd": pgettext("measure", "working days"),
        }


def public_moves() -> dict[str, str]:
    """The moves a reporter is told of, with their labels, in the order of the manifest."""
    found: dict[str, str] = {}
    for kind in registry.all():
        found.setdefault(kind.opening, str(kind.opened))
        for move in kind.moves:
            if move.public:
                found.setdefault(move.name, str(move.label))
    return found
