"""The cast of the tests: five tiers, departments, a mediator, a resident, and a stranger."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from maplebridge.cases import engine
from maplebridge.cases.models import Case, Event
from maplebridge.config.demonstration import COUNTY, GRID, TOWN, VILLAGE
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import SYSTEM, Actor, Role, reporter_of

_keys = itertools.count()


class Town:
    """The demonstration town's people as actors, and the ways to walk a case."""

    town_code = TOWN
    county_code = COUNTY
    village_code = VILLAGE
    grid_code = GRID

    def __init__(self) -> None:
        import datetime as dt

        day = dt.date(2026, 11, 1)
        accounts = Account.objects.filter(synthetic=True)
        self.people = {a.username: actors_for(a, day)[0] for a in accounts}
        # Works next door: another township's command room.
        self.stranger = Actor(
            role=Role.CLERK, unit_code="330802005-room", area_code="330802005", name="外乡人"
        )

    def __getattr__(self, name: str) -> Actor:
        people = self.__dict__.get("people", {})
        if name in people:
            return people[name]
        raise AttributeError(name)

    def resident(self, case_id: UUID) -> Actor:
        """Whoever reported the case."""
        return reporter_of(case_id)

    def report(self, text: str = "村口下水道堵了，污水漫到路上", **fields: Any) -> engine.Opened:
        """Opens a matter at the town's command room."""
        values: dict[str, Any] = {
            "kind": "matter",
            "channel": "web",
            "account": "somebody",
            "key": f"key-{next(_keys)}",
            "area_code": TOWN,
            "unit_code": f"{TOWN}-room",
            "words": {"text": text},
            **fields,
        }
        return engine.open(engine.Opening(**values))

    def triage(self, case_id: UUID, **facts: Any) -> Event:
        """What the automatic steps would say of a blocked drain."""
        said = {
            "area_code": VILLAGE,
            "category": "1004",
            "line": "HSC",
            "sla_class": "S4",
            "confidentiality": "C0",
            "suggested_unit": f"{COUNTY}-hsc",
            **facts,
        }
        return self.move(case_id, "triage", SYSTEM, said)

    def move(
        self,
        case_id: UUID,
        name: str,
        actor: Actor,
        facts: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Event:
        """One move with a fresh key."""
        options.setdefault("key", f"move-{next(_keys)}")
        return engine.move(case_id, name, actor, facts=facts or {}, **options)

    def walk(self, case_id: UUID, until: str) -> Case:
        """The straight way from reported to a state."""
        return self.walk_from(case_id, "reported", until)

    def walk_from(self, case_id: UUID, start: str, until: str) -> Case:
        """The straight way from one state to a later one."""
        steps: list[tuple[str, str, Actor, dict[str, Any]]] = [
            ("accepted", "accept", self.town, {}),
            ("filed", "file_case", self.town, {}),
            ("dispatched", "dispatch", self.town, {"unit": f"{COUNTY}-hsc"}),
            ("handling", "sign_for", self.housing, {}),
            ("feedback", "feedback", self.housing, {"result": "已疏通管道"}),
            ("verified", "verify_pass", self.village, {}),
            ("closed", "close", self.town, {"reply": "已疏通，请您查看"}),
            ("archived", "rate", self.resident(case_id), {"rating": "5", "solved": True}),
        ]
        if until == start:
            return self.case(case_id)
        passed = [state for state, _name, _actor, _facts in steps]
        begin = passed.index(start) + 1 if start in passed else 0
        for state, name, actor, facts in steps[begin:]:
            self.move(case_id, name, actor, facts)
            if state == until:
                return self.case(case_id)
        raise ValueError(f"the straight way does not pass {until}")

    def opened(self, until: str = "reported") -> Case:
        """A fresh case, sorted, in a state of the straight way."""
        case_id = self.report().case_id
        self.triage(case_id)
        return self.walk(case_id, until)

    def case(self, case_id: UUID) -> Case:
        """The case as it stands now."""
        return Case.objects.get(pk=case_id)
