"""Where the responsibility table is silent, past cases propose an owner, and a person decides.

Learned anew from closed cases of the last year: kinds, places and units, nobody's name. Each
version is stored with all its numbers, so that a proposal can be made again to the last bit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from maplebridge.cases.grades import Duty, Progress
from maplebridge.cases.models import Assignment, Case
from maplebridge.journey import route
from maplebridge.journey.decision import Decision
from maplebridge.journey.history import Handled, HandlerModel, LateModel, Matter, TooLittle
from maplebridge.journey.models import Category, LearnedHandlers
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.kept import Kept
from maplebridge.organisation.models import Area
from maplebridge.organisation.units import ROOMS, Directory, directory

DAYS: Final = 400
MOST_CASES: Final = 20_000
SHOWN: Final = 3
# A likelier proposal is still one: what history says never stands in for the city's own table.
HIGHEST: Final = 0.65
LEAST_SHARE: Final = 0.05


@dataclass(frozen=True)
class Learned:
    """A stored version, ready to answer.

    late: None while too few cases were late. returned: (unit, category) of matters that the unit
    sent back more often than it handled them.
    """

    version: str
    handlers: HandlerModel
    late: LateModel | None
    returned: frozenset[tuple[str, str]]


def learn_handlers() -> LearnedHandlers | None:
    """Learns from the closed cases of the last DAYS days; confidential ones (C2) are left out.

    Returns the newly stored version; None when nothing changed or there is too little.
    """
    since = now() - dt.timedelta(days=DAYS)
    units = {unit.code: unit.name for unit in directory().all() if unit.kind not in ROOMS}
    past = Case.objects.filter(opened_at__gte=since).exclude(confidentiality="C2")
    closed = list(
        past.filter(closed_at__isnull=False, handler_unit__in=units)
        .exclude(category="")
        .order_by("-opened_at", "pk")[:MOST_CASES]
    )
    matters = _matters(closed)
    history = [
        Handled(matter, case.handler_unit, case.late)
        for case, matter in zip(closed, matters, strict=True)
    ]
    try:
        handlers = HandlerModel.learned(history, units).parameters()
    except TooLittle:
        return None
    try:
        late = LateModel.learned(history).parameters()
    except TooLittle:
        late = b""
    returned = _returned(closed, dict(past.values_list("pk", "category")))
    digest = hashlib.sha256(handlers + late + repr(returned).encode()).hexdigest()[:12]
    made, fresh = LearnedHandlers.objects.get_or_create(
        version=f"handlers-{digest}",
        defaults={
            "handlers": handlers,
            "late": late,
            "returned": returned,
            "learned_from": len(history),
            "at": now(),
        },
    )
    kept_proposals.forget()
    return made if fresh else None


def owner_of(case: Case, category: str, area: str, nature: str, about: str) -> Decision:
    """Whose matter it is: by the responsibility table, or else by what was handled before.

    What history proposes stays below the agreed confidence. about: the unit complained about.
    """
    units = directory()
    found = route.find_owner(category, area, local_day(case.opened_at), route.table(), units, about)
    learned = kept_proposals.get()
    if found.value is not None or not category or "row" in found.evidence or learned is None:
        return found
    return _proposed(learned, case, category, area, nature, about, units) or found


def late_share(case: Case) -> float | None:
    """How likely a matter like this runs late at the unit that has it, 0 to 1; for its desk only.

    None while too little is known.
    """
    learned = kept_proposals.get()
    if learned is None or learned.late is None or not case.category:
        return None
    [matter] = _matters([case])
    return float(learned.late.shares([Handled(matter, case.unit_code)])[0])


def _proposed(
    learned: Learned,
    case: Case,
    category: str,
    area: str,
    nature: str,
    about: str,
    units: Directory,
) -> Decision | None:
    [matter] = _matters([case], {case.pk: (category, area, nature)})
    [shares] = learned.handlers.shares([matter])
    likely = [
        (code, round(float(share), 4))
        for share, code in sorted(
            zip(shares, learned.handlers.units, strict=True), key=lambda pair: (-pair[0], pair[1])
        )
        if share >= LEAST_SHARE
        and code in units
        and (code, category) not in learned.returned
        and not units.is_kept_out(code, about)
    ][:SHOWN]
    if not likely:
        return None
    code, share = likely[0]
    return Decision(
        code,
        min(share, HIGHEST),
        _("The table is silent; %(unit)s handled %(share)d %% of such matters before.")
        % {"unit": units.name_of(code), "share": round(share * 100)},
        learned.version,
        {
            "candidates": likely,
            "inputs": {
                "kind": matter.kind,
                "places": matter.places,
                "said": matter.said,
                "at": matter.at.isoformat(),
            },
        },
    )


def _matters(
    cases: Iterable[Case], instead: Mapping[UUID, tuple[str, str, str]] | None = None
) -> list[Matter]:
    """What is known of cases before anyone has them; two statements.

    instead: for a case's id the category, area and nature that it does not bear yet.
    """
    known = [
        (case, *(instead or {}).get(case.pk, (case.category, case.area_code, case.nature)))
        for case in cases
    ]
    parts = {area[:n] for _case, _category, area, _nature in known for n in (6, 9, 12)}
    areas = dict(Area.objects.filter(code__in=parts).values_list("code", "name"))
    kinds = {
        kind.code: (kind.group, kind.name)
        for kind in Category.objects.filter(code__in={row[1] for row in known})
    }
    return [
        Matter(
            kinds.get(category, (category[:2], category)),
            tuple(areas[area[:n]] for n in (6, 9, 12) if len(area) >= n and area[:n] in areas),
            (f"channel {case.channel}", f"nature {nature}"),
            case.opened_at,
        )
        for case, category, area, nature in known
    ]


def _returned(closed: Iterable[Case], kinds: Mapping[UUID, str]) -> list[list[str]]:
    """Pairs of unit and category where more was sent back than handled; kinds: of past cases."""
    handled = Counter((case.handler_unit, case.category) for case in closed)
    sent_back = Counter(
        (unit, kinds[case_id])
        for unit, case_id in Assignment.objects.filter(
            duty=Duty.LEAD, progress=Progress.RETURNED
        ).values_list("unit_code", "case_id")
        if case_id in kinds
    )
    return sorted([unit, kind] for (unit, kind), n in sent_back.items() if n > handled[unit, kind])


def _read() -> Learned | None:
    newest = LearnedHandlers.objects.order_by("-at").defer("handlers", "late").first()
    if newest is None:
        return None
    if _last and _last[0].version == newest.version:
        return _last[0]
    learned = Learned(
        newest.version,
        HandlerModel.of_parameters(bytes(newest.handlers)),
        LateModel.of_parameters(bytes(newest.late)) if newest.late else None,
        frozenset((unit, kind) for unit, kind in newest.returned),
    )
    _last[:] = [learned]
    return learned


_last: list[Learned] = []
kept_proposals: Kept[Learned | None] = Kept(_read)
