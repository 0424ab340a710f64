"""The wall holds where the gate is forgotten: by area, by reach, in a pool, and for the owner."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.utils import NotSupportedError, ProgrammingError
from psycopg_pool import ConnectionPool

from maplebridge.cases import wall
from maplebridge.cases.models import Assignment, Case, Event, Grant, Look, Payload
from maplebridge.config.grants import grant, walled
from maplebridge.lib.clock import now
from maplebridge.organisation.people import SYSTEM, Actor, Role, reporter_of

# Tables with an area that hold no row of one case, each with its reason.
OPEN = {
    "organisation_act": "acts of administration, which name no case's content",
    "organisation_unit": "units, published",
    "journey_responsibility": "duties of units, as kept before editions",
    "connectors_station": "gauges of rivers and reservoirs; no case",
    "cases_destruction": "how many cases a list names, and none of them",
    **dict.fromkeys(
        (
            "village_activity",
            "village_covenant",
            "village_covenantversion",
            "village_ledgerentry",
            "village_notice",
        ),
        "what a village publishes to everybody",
    ),
    "village_answeredletter": "what the writer allowed to be shown, without name or case",
    "mediation_campaign": "which units screen an area until when; no case and no person",
    "mediation_screening": "how many disputes a unit found; no case and no person",
    "emergency_resource": "teams and vehicles of units, how many come; no case and no person",
    "emergency_stock": "stores and shelters of units; no case and no person",
    "safety_premises": "places of work and who answers for them, data of work; no case",
    "safety_inspection": "visits to places of work; what they find lies in cases",
    "safety_accident": "accidents as counts of a day and place; no case and no person",
    "safety_drive": "campaigns on a trade or an area; no case and no person",
    "village_writing": "what a village published before, and who wrote it",
}
FAR = "330802005"


@pytest.fixture
def closed(town: Any) -> Any:
    """The town's people in a process that begins closed, as a web server does."""
    with wall.begun_closed():
        yield town


def ids_of(*cases: Case) -> set[uuid.UUID]:
    return {case.pk for case in cases}


def seen() -> set[uuid.UUID]:
    """What a query without any filter finds."""
    return set(Case.objects.values_list("pk", flat=True))


def elsewhere(town: Any) -> Case:
    """A case of another county's township."""
    with wall.standing(SYSTEM):
        return town.case(town.report(area_code=FAR, unit_code=f"{FAR}-room").case_id)


def nearby(town: Any, state: str = "filed") -> Case:
    """A case of the town's village."""
    with wall.standing(SYSTEM):
        return town.opened(state)


def test_every_table_with_an_area_is_walled_or_says_why_not() -> None:
    with_area = {
        model._meta.db_table
        for model in apps.get_models()
        if "area_code" in {field.name for field in model._meta.local_fields}
    }
    assert with_area - set(walled()) == set(OPEN)
    of_a_case = {
        model._meta.db_table
        for model in apps.get_models()
        if "case_id" in {field.name for field in model._meta.local_fields}
    }
    # How far a reader of the feed has come.
    assert of_a_case - set(walled()) == {"cases_feedcursor"}


def test_the_wall_stands_on_every_table_for_its_owner_too(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity"
            " AND relforcerowsecurity AND relname = ANY(%s)",
            [sorted(walled())],
        )
        assert {name for (name,) in cursor.fetchall()} == set(walled())
        cursor.execute("SELECT tablename FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchall() == []
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


@pytest.mark.parametrize("table", sorted(walled()))
def test_who_stands_nowhere_sees_no_row(closed: Any, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)


def test_a_new_connection_without_settings_sees_no_row(committed_town: Any) -> None:
    committed_town.opened("handling")
    for url in (settings.DATABASES["default"], settings.DATABASES["owner"]):
        asked = {
            name: url[key]
            for name, key in (
                ("host", "HOST"), ("port", "PORT"), ("user", "USER"),
                ("password", "PASSWORD"), ("dbname", "NAME"),
            )
            if url.get(key)
        }  # fmt: skip
        with psycopg.connect(**asked) as fresh:
            for table in walled():
                assert fresh.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_forgotten_filter_stays_within_the_area(closed: Any) -> None:
    near, far = nearby(closed), elsewhere(closed)
    with wall.standing(closed.village):
        assert seen() == ids_of(near)
    with wall.standing(closed.stranger):
        assert seen() == ids_of(far)
        assert set(Event.objects.values_list("case_id", flat=True)) == ids_of(far)
        assert set(Payload.objects.values_list("case_id", flat=True)) == ids_of(far)
    with wall.standing(closed.county):
        assert seen() == ids_of(near)
    with wall.standing(closed.city):
        assert seen() == ids_of(near, far)
    with wall.standing(closed.administrator):
        assert seen() == set()
    with wall.standing(reporter_of(far.pk)):
        assert seen() == ids_of(far)
    with wall.standing(reporter_of(far.pk), [near.pk]):
        assert seen() == ids_of(near, far)
    with wall.standing(Actor(role=Role.CLERK)):
        assert seen() == set()
    assert seen() == set()


def test_what_was_said_goes_with_its_case_into_another_area(closed: Any) -> None:
    with wall.standing(SYSTEM):
        case_id = closed.report(area_code="3308", unit_code="3308-center").case_id
        closed.triage(case_id)
    for name in ("village", "town", "county", "city"):
        with wall.standing(closed.people[name]):
            assert seen() == {case_id}, name
            assert Payload.objects.get(case_id=case_id, part="words").content, name
            assert Event.objects.filter(case_id=case_id).count() == 2, name
    with wall.standing(closed.stranger):
        assert seen() == set()
        assert not Payload.objects.exists()
        assert not Event.objects.exists()


def share(case: Case, unit: str, progress: str) -> None:
    with wall.standing(SYSTEM):
        Assignment.objects.create(
            case_id=case.pk, number=90, area_code=case.area_code, unit_code=unit, duty="assist",
            progress=progress, since=now(),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("progress", "reached"),
    [("to_sign", True), ("handling", True), ("done", True), ("returned", False),
     ("withdrawn", False)],
)  # fmt: skip
def test_a_share_beyond_the_area_opens_its_case_until_it_is_given_back(
    closed: Any, progress: str, reached: bool
) -> None:
    far = elsewhere(closed)
    share(far, closed.housing.unit_code, progress)
    with wall.standing(closed.housing):
        assert seen() == (ids_of(far) if reached else set())
        assert Assignment.objects.filter(case_id=far.pk).exists() is reached
        assert Event.objects.filter(case_id=far.pk).exists() is reached


def test_who_answers_for_a_case_reaches_it_wherever_it_lies(closed: Any) -> None:
    far = elsewhere(closed)
    with wall.standing(SYSTEM):
        Case.objects.filter(pk=far.pk).update(unit_code=closed.county.unit_code)
    with wall.standing(closed.county):
        assert seen() == ids_of(far)


@pytest.mark.parametrize(
    ("given", "begins", "ends", "revoked", "reached"),
    [(True, -1, 1, False, True), (True, -2, -1, False, False), (True, 1, 2, False, False),
     (False, -1, 1, False, False), (None, -1, 1, False, False), (True, -1, 1, True, False)],
    ids=["running", "over", "not begun", "refused", "not ruled on", "revoked"],
)  # fmt: skip
def test_a_grant_reaches_beyond_the_area_for_its_time_alone(
    closed: Any, given: bool | None, begins: int, ends: int, revoked: bool, reached: bool
) -> None:
    far, hour = elsewhere(closed), dt.timedelta(hours=1)
    with wall.standing(SYSTEM):
        Grant.objects.create(
            case_id=far.pk, area_code=far.area_code, account_id=closed.county.account_id,
            unit_code=closed.county.unit_code, role=closed.county.role, reason="复核",
            asked_at=now(), hours=2, given=given, begins_at=now() + begins * hour,
            ends_at=now() + ends * hour, revoked_at=now() if revoked else None,
        )  # fmt: skip
    with wall.standing(closed.county):
        assert seen() == (ids_of(far) if reached else set())
    with wall.standing(closed.leader):
        assert seen() == set()


def test_nobody_writes_beyond_the_wall(closed: Any) -> None:
    near, far = nearby(closed), elsewhere(closed)
    with wall.standing(closed.town):
        assert Case.objects.filter(pk=far.pk).update(number="x") == 0
        assert Payload.objects.filter(case_id=far.pk).delete()[0] == 0
        for wrong in (
            lambda: Case.objects.filter(pk=near.pk).update(area_code=FAR),
            lambda: Look.objects.create(
                case_id=far.pk, area_code=FAR, confidentiality="C1", role="clerk", way="page",
                at=now(),
            ),
        ):  # fmt: skip
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                wrong()
    with wall.standing(SYSTEM):
        assert Case.objects.get(pk=near.pk).area_code == near.area_code


def test_the_sight_of_before_is_back_after_each_end(closed: Any) -> None:
    near, far = nearby(closed, "handling"), elsewhere(closed)
    with wall.standing(closed.town):
        with wall.standing(SYSTEM):
            assert seen() == ids_of(near, far)
        assert seen() == ids_of(near)
        with pytest.raises(ZeroDivisionError), wall.standing(closed.city):
            assert seen() == ids_of(near, far)
            raise ZeroDivisionError
        assert seen() == ids_of(near)
        # Also after a move, which is written as the system.
        closed.move(near.pk, "urge", closed.town)
        assert seen() == ids_of(near)
        closed.report()
        assert len(seen()) == 2
    assert seen() == set()


def test_copy_into_a_walled_table_is_refused_and_a_load_is_not(closed: Any) -> None:
    with (
        wall.standing(SYSTEM),
        pytest.raises(NotSupportedError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("COPY cases_look FROM STDIN")
    receipts = [closed.report() for _n in range(3)]
    with wall.standing(closed.town):
        assert seen() == {receipt.case_id for receipt in receipts}


def test_a_start_finds_the_wall_standing_and_mends_one_that_was_taken_down(
    committed_town: Any,
) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM pg_policy ORDER BY 1")
        before = cursor.fetchall()
        grant()
        cursor.execute("SELECT xmin::text FROM pg_policy ORDER BY 1")
        assert cursor.fetchall() == before
        cursor.execute("ALTER TABLE cases_case NO FORCE ROW LEVEL SECURITY")
        grant()
        cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'cases_case'")
        assert cursor.fetchone() == (True,)


def test_pooled_requests_leak_nothing_to_one_another(committed_town: Any) -> None:
    """1,500 transactions of changing people over four connections, a third of which fail."""
    town = committed_town
    near, far = town.opened("filed"), elsewhere(town)
    share(far, town.housing.unit_code, "handling")
    expected = {
        "town": ids_of(near), "village": ids_of(near), "county": ids_of(near),
        "housing": ids_of(near, far), "city": ids_of(near, far), "administrator": set(),
    }  # fmt: skip
    sights = {}
    with wall.begun_closed():
        for name in expected:
            with wall.standing(town.people[name]):
                sights[name] = vars(wall._now.sight)
    url = connections["default"].get_connection_params()
    asked = {k: url[k] for k in ("host", "port", "user", "password", "dbname") if url.get(k)}
    leaks: list[str] = []

    def request(n: int) -> int:
        draw = random.Random(n)
        name = draw.choice(sorted(expected))
        with pool.connection() as pooled:
            before = pooled.execute("SELECT count(*) FROM cases_case").fetchone()
            if before != (0,):
                leaks.append(f"{n}: {before} before {name}")
            pooled.rollback()
            try:
                with pooled.transaction():
                    pooled.execute(wall.SET, sights[name])
                    found = {row[0] for row in pooled.execute("SELECT id FROM cases_case")}
                    if found != expected[name]:
                        leaks.append(f"{n}: {name} sees {len(found)}")
                    if draw.random() < 1 / 3:
                        pooled.execute("SELECT 1 / 0")
            except psycopg.errors.DivisionByZero:
                pass
        return 1

    with (
        ConnectionPool(kwargs=asked, min_size=4, max_size=4, open=True) as pool,
        ThreadPoolExecutor(16) as threads,
    ):
        assert sum(threads.map(request, range(1500))) == 1500
    assert leaks == []
