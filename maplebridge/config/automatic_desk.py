"""Works cases to their end by the public moves, as desks would; for demonstration and figures.

It acts at made-up times of a seeded draw, always under a post that may make the move.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from uuid import UUID

from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.journey import learn
from maplebridge.journey.models import DecisionRecord, Step
from maplebridge.organisation import calendar
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor, Role, Tier, reporter_of
from maplebridge.organisation.units import UnitFacts, directory

SEED = 20190711
DEFAULT_CATEGORY = "1501"
ROLE_OF_ROOM = {
    Tier.VILLAGE: Role.STATION,
    Tier.TOWN: Role.CLERK,
    Tier.COUNTY: Role.DISPATCHER,
    Tier.CITY: Role.DISPATCHER,
}


def work_through(cases: Sequence[UUID], most: int, say: Callable[[str], None]) -> int:
    """Works the first cases to rated and archived; returns how many of them are archived.

    Cases that the steps decided wholly come first, then those that ask a person.
    Cases that were worked before are left as they are and counted.
    """
    ready = Case.objects.filter(pk__in=list(cases)).order_by("opened_at", "pk")
    decided = list(ready.filter(asks=[])[:most])
    if len(decided) < most:
        decided += list(ready.exclude(asks=[])[: most - len(decided)])
    for number, case in enumerate(decided, start=1):
        _work(case)
        if number % 50 == 0:
            say(f"Worked to the archive: {number} of {len(decided)}")
    return Case.objects.filter(pk__in=[c.pk for c in decided], state="archived").count()


def _room(unit: UnitFacts) -> Actor:
    return Actor(
        role=ROLE_OF_ROOM[unit.tier], unit_code=unit.code, area_code=unit.area_code, name=unit.name
    )


def _work(case: Case) -> None:
    """One case from reported to archived; each move has a fixed key, so it can be done again."""
    draw = random.Random(f"{SEED}:{case.pk}")  # noqa: S311  no secret hangs on it
    at = case.opened_at

    def later(minutes: int) -> dt.datetime:
        nonlocal at
        at = calendar.add_work_minutes(at, draw.randint(1, minutes), calendar.USUAL_HOURS).at
        return at

    def step(name: str, actor: Actor, facts: dict[str, object], minutes: int) -> None:
        engine.move(case.pk, name, actor, key=f"desk:{name}", facts=facts, at=later(minutes))

    units = directory()
    _answer_questions(case, later(30))
    case.refresh_from_db()
    desk = _room(units.unit(case.unit_code)) if case.state == "reported" else None
    if desk is None:
        return
    step("accept", desk, {}, 60)
    step("file_case", desk, {}, 60)
    owner = case.suggested_unit or units.room_of(case.area_code, Tier.COUNTY).code
    step("dispatch", desk, {"unit": owner}, 30)
    unit = units.unit(owner)
    handler = Actor(
        role=Role.OFFICER if unit.line else ROLE_OF_ROOM[unit.tier],
        unit_code=owner,
        area_code=unit.area_code,
        line=unit.line,
        name=unit.name,
    )
    step("sign_for", handler, {}, 60)
    step("feedback", handler, {"result": "演示：自动工作台已处置。"}, 5 * 450)
    verifier = units.room_of(case.area_code)
    if verifier.code == owner:
        verifier = units.room_of(case.area_code, Tier.COUNTY)
    step("verify_pass", _room(verifier), {}, 240)
    step("close", desk, {"reply": "演示：您反映的事项已处理，请评价。"}, 60)
    rating = draw.choices(("5", "4", "3", "2", "1"), (45, 30, 15, 6, 4))[0]
    facts: dict[str, object] = {"rating": rating, "solved": int(rating) >= 3}
    step("rate", reporter_of(case.pk), facts, 900)


def _answer_questions(case: Case, at: dt.datetime) -> None:
    """What the steps left to a person: the desk says a kind and a township."""
    if "kind" in case.asks:
        record = DecisionRecord.objects.filter(case_id=case.pk, step=Step.CLASSIFY).first()
        ranked = record.evidence.get("candidates", []) if record else []
        category = ranked[0][0] if ranked else DEFAULT_CATEGORY
        _overrule(case, Step.CLASSIFY, category, at)
    if "place" in case.asks and len(case.area_code) < 9:
        towns = Area.objects.within(case.area_code).filter(code__regex=r"^\d{9}$").order_by("code")
        codes = list(towns.values_list("code", flat=True))
        chosen = random.Random(f"{SEED}:{case.pk}:place").choice(codes)  # noqa: S311
        _overrule(case, Step.LOCATE, chosen, at)


def _overrule(case: Case, step: Step, value: str, at: dt.datetime) -> None:
    current = Case.objects.get(pk=case.pk)
    actor = _room(directory().unit(current.unit_code))
    learn.overrule(case.pk, step, value, actor, key=f"desk:{step}", at=at)
