"""The register of premises, and the check lists of their trades. One row for one place of work."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from maplebridge.applications.safety.models import CheckItem, Premises, Risk, Trade
from maplebridge.cases.engine import FactsError
from maplebridge.cases.permissions import covers
from maplebridge.lib.text import normalise
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.units import directory

SEED = Path(__file__).with_name("seed") / "check_items.csv"
KEEPING = frozenset({Role.CLERK, Role.DISPATCHER, Role.OFFICER, Role.STATION})
LOOKING = KEEPING | {Role.GRID_WORKER, Role.SUPERVISOR, Role.LEADER}
# Which departments have something to check at a trade. Source: our decision; a row may say more.
LINES = {
    Trade.GAS: ("HSC", "EMG", "MKT"), Trade.WORKSHOP: ("EMG", "HSC"), Trade.CHEMICAL: ("EMG",),
    Trade.SITE: ("HSC", "EMG"), Trade.CROWD: ("EMG", "CUL"),
}  # fmt: skip
# The category of a hazard found at premises of a trade.
CATEGORIES = {
    Trade.GAS: "0205", Trade.WORKSHOP: "0202", Trade.CHEMICAL: "0201", Trade.SITE: "0203",
    Trade.CROWD: "0208",
}  # fmt: skip
NEEDED = ("code", "name", "trade", "risk", "village", "duty_holder")


def may_look(actor: Actor) -> bool:
    """Whether a post has the pages of safety."""
    return actor.role in LOOKING and bool(actor.area_code)


def may_keep(actor: Actor) -> bool:
    """Whether a post writes into the register."""
    return actor.role in KEEPING and bool(actor.area_code)


def seen_by(actor: Actor) -> QuerySet[Premises]:
    """The premises of a post's own area."""
    found = Premises.objects.filter(is_active=True, area_code__startswith=actor.area_code)
    return found if may_look(actor) else found.none()


def register(actor: Actor, said: Mapping[str, str]) -> Premises:
    """Enters premises. said: code, name, trade, risk, village (code), address, duty_holder,
    duty_post, duty_phone, and lon, lat where they are known.

    Raises engine.FactsError with a sentence for each field; premises that are there already are
    refused, with what is there left as it is.
    """
    kept = {name: normalise(value)[:200] for name, value in said.items()}
    wrong = {name: _("Please fill this in.") for name in NEEDED if not kept.get(name)}
    if kept.get("trade") not in Trade.values:
        wrong["trade"] = _("Please choose one of the offered answers.")
    if kept.get("risk") not in {str(risk.value) for risk in Risk}:
        wrong["risk"] = _("Please choose one of the offered answers.")
    village = kept.get("village", "")
    if village and (
        not covers(actor.area_code, village) or not Area.objects.filter(pk=village).exists()
    ):
        wrong["village"] = _("Please choose a place of your own area.")
    if wrong:
        raise FactsError(wrong)
    with transaction.atomic():
        held, made = Premises.objects.get_or_create(
            code=kept["code"][:40],
            defaults={
                "name": kept["name"][:120], "trade": kept["trade"], "risk": int(kept["risk"]),
                "area_code": village, "unit_code": directory().room_of(village).code,
                "address": kept.get("address", ""), "lines": list(LINES[Trade(kept["trade"])]),
                "duty_holder": kept["duty_holder"][:40],
                "duty_post": kept.get("duty_post", "")[:40],
                "duty_phone": kept.get("duty_phone", "")[:24],
            },
        )  # fmt: skip
    if not made:
        raise FactsError(
            {"code": _("%(code)s is in the register already: %(name)s.")
             % {"code": held.code, "name": held.name}}
        )  # fmt: skip
    return held


def open_check_items() -> int:
    """Writes the check lists of the seed that are not there yet; returns how many."""
    made = 0
    with SEED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            _item, fresh = CheckItem.objects.get_or_create(
                code=row["code"],
                defaults={
                    "trade": row["trade"], "number": int(row["number"]), "text": row["text"],
                    "source": row["source"], "major": row["major"] == "1",
                },
            )  # fmt: skip
            made += fresh
    return made


def items_of(trade: str) -> list[CheckItem]:
    """The check list of a trade, in its order; the seed's when none is there yet."""
    found = list(CheckItem.objects.filter(trade=trade).order_by("number"))
    if not found and open_check_items():
        found = list(CheckItem.objects.filter(trade=trade).order_by("number"))
    return found
