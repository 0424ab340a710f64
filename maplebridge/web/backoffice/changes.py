"""Who changed what of the city's configuration: editions of its tables and changes of units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Func, IntegerField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_safe

from maplebridge.journey.configuration import TABLES
from maplebridge.organisation.models import Account, Act, Deed, Edition, UnitKind
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.backoffice.views import at_the_administration
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.words import unit_name

PAGE_ROWS = 50
# A column of a unit, as its form names it.
UNITS = "units"


@dataclass(frozen=True)
class Change:
    """One change. cells: by column what stood there and what stands there now."""

    at: dt.datetime
    what: str
    address: str
    who: str
    note: str = ""
    cells: list[tuple[str, ...]] = field(default_factory=list)


@require_safe
@at_the_administration
def changes(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """Every change, the newest first; of one table or of the units where asked."""
    of = narrowing(request.GET, "of")
    before = _instant(narrowing(request.GET, "before"))
    found: list[Change] = []
    if of != UNITS:
        found += published(of if of in TABLES else "", before)
    if of not in TABLES:
        acts = Act.objects.filter(deed=Deed.UNIT_SET).order_by("-number")
        if before:
            acts = acts.filter(at__lt=before)
        found += told(acts[: PAGE_ROWS + 1])
    found.sort(key=lambda change: change.at, reverse=True)
    rows = found[:PAGE_ROWS]
    shown = {
        "here": "changes",
        "rows": rows,
        "of": of,
        "tables": [*((t.name, t.label) for t in TABLES.values()), (UNITS, _("Units"))],
        "more": rows[-1].at.isoformat() if len(found) > PAGE_ROWS else "",
    }
    return render(request, "backoffice/changes.html", shown)


def _instant(text: str) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def published(name: str, before: dt.datetime | None) -> list[Change]:
    """Editions of one table or of all, without their rows."""
    counted = Func(F("rows"), function="jsonb_array_length", output_field=IntegerField())
    found = Edition.objects.filter(name__in=[name] if name else list(TABLES)).order_by("-at")
    if before:
        found = found.filter(at__lt=before)
    listed = list(
        found.annotate(count=counted).values(
            "name", "number", "begins", "note", "account_id", "role", "unit_code", "at", "count"
        )[: PAGE_ROWS + 1]
    )
    names = _names(row["account_id"] for row in listed)
    return [
        Change(
            at=row["at"],
            what=_("%(table)s: edition %(n)d, from %(day)s on, %(rows)s")
            % {
                "table": TABLES[row["name"]].label,
                "n": row["number"],
                "day": row["begins"].isoformat(),
                "rows": ngettext("%(n)d row", "%(n)d rows", row["count"]) % {"n": row["count"]},
            },
            address=reverse("configuration-edition", args=[row["name"], row["number"]]),
            who=_who(names, row["account_id"], row["unit_code"], row["role"]),
            note=row["note"],
        )
        for row in listed
    ]


def told(acts: Iterable[Act]) -> list[Change]:
    """Changes of units, as the log of acts tells them."""
    listed = list(acts)
    names = _names(act.account_id for act in listed)
    found = []
    for act in listed:
        code = act.on.partition(":")[2]
        changed: Any = act.facts.get("changed", {})
        from_file = code == "file"
        count = changed if from_file else 0
        said = ngettext("%(n)d unit from a file", "%(n)d units from a file", count) % {"n": count}
        found.append(
            Change(
                at=act.at,
                what=said if from_file else f"{unit_name(code)} · {code}",
                address="" if from_file else reverse("configuration-unit", args=[code]),
                who=_who(names, act.account_id, act.unit_code, act.role),
                cells=[] if from_file else _cells(changed),
            )
        )
    return found


def _cells(changed: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    return [
        (_named(name), *(_in_words(name, cell) for cell in cells))
        for name, cells in changed.items()
    ]


def _in_words(column: str, cell: str) -> str:
    known = dict(UnitKind.choices)
    return str(known.get(cell, cell) if column == "kind" else cell) or "—"


def _named(column: str) -> str:
    """A unit's column in the reader's words."""
    known = {
        "code": pgettext("place", "Code"),
        "name": pgettext("place", "Name"),
        "name_en": _("Name in English"),
        "kind": _("Kind"),
        "area_code": _("Area"),
        "line": _("Line"),
        "hours": _("Opening hours"),
        "begins": _("First day"),
        "ends": _("Last day"),
    }
    return known.get(column, column)


def _names(accounts: Iterable[UUID | None]) -> dict[UUID, str]:
    wanted = {each for each in accounts if each}
    return dict(Account.objects.filter(pk__in=wanted).values_list("pk", "display_name"))


def _who(names: dict[UUID, str], account: UUID | None, unit: str, role: str) -> str:
    name = names.get(account, "") if account else ""
    return " · ".join(filter(None, (name, unit_name(unit) if unit else "", str(Role(role).label))))
