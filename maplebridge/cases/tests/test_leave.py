"""Leave to read: asked for, ruled on by somebody else, ended by itself, revoked at once."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from maplebridge.cases import leave, permissions, reading
from maplebridge.cases.leave import Standing
from maplebridge.cases.models import Case, Grant
from maplebridge.lib import clock
from maplebridge.organisation.models import Act
from maplebridge.organisation.people import Actor, Role

pytestmark = pytest.mark.django_db
WHY = "邻镇同类事项需要参考"


def officer(area: str = "330825", **more: Any) -> Actor:
    return Actor(
        role=Role.SECURITY, account_id=uuid.uuid4(), unit_code=f"{area}-center", area_code=area,
        **more,
    )  # fmt: skip


def confidential(town: Any, **facts: Any) -> Case:
    case_id = town.report().case_id
    town.triage(case_id, confidentiality="C2", **facts)
    found: Case = town.case(case_id)
    return found


def asked(town: Any, case: Case, hours: str = "24", key: str = "k-1") -> Grant:
    leave.ask(town.county, case.number.lower(), WHY, hours, key)
    return Grant.objects.get(case_id=case.pk)


def is_open(actor: Actor, case: Case) -> bool:
    return Case.objects.visible_to(actor).filter(pk=case.pk).exists()


def test_leave_opens_a_confidential_case_and_ends_by_itself(town: Any, monkeypatch: Any) -> None:
    case = confidential(town)
    grant = asked(town, case)
    assert not is_open(town.county, case)
    security = officer()
    given = leave.rule(security, case.pk, grant.grant_id, given=True, ruling="同意，限参考")
    assert is_open(town.county, case)
    assert reading.readings(town.county, [case])[case.pk].full
    assert given.ends_at - given.begins_at == dt.timedelta(hours=24)
    assert not is_open(replace(town.county, account_id=uuid.uuid4()), case)
    assert not is_open(replace(town.county, unit_code="3308-center"), case)
    assert not is_open(town.leader, case)
    for move in case.pinned_kind.moves:
        assert not permissions.may(town.county, move, case, [])
    act = Act.objects.get(on=f"grant:{grant.grant_id}")
    assert (act.deed, act.account_id, act.facts) == (
        "grant_given", security.account_id,
        {"case": str(case.pk), "unit": "330825-center", "role": "dispatcher", "hours": 24},
    )  # fmt: skip
    later = clock.now() + dt.timedelta(hours=24, seconds=1)
    for module in ("models", "leave", "reading"):
        monkeypatch.setattr(f"maplebridge.cases.{module}.now", lambda: later)
    assert not is_open(town.county, case)
    assert [each.standing for each in leave.own(town.county)] == [Standing.ENDED]
    assert leave.ended_for(town.county, case.pk) == given.ends_at


def test_a_confidential_case_whose_unit_is_gone_becomes_readable(town: Any) -> None:
    case = confidential(town)
    Case.objects.filter(pk=case.pk).update(unit_code="330825209-gone")
    for actor in town.people.values():
        assert not is_open(actor, case)
    grant = asked(town, case)
    leave.rule(officer(), case.pk, grant.grant_id, given=True, ruling="原单位已撤并")
    assert is_open(town.county, case)


def test_asking_is_the_same_for_a_number_that_does_not_exist(town: Any) -> None:
    case = confidential(town)
    with CaptureQueriesContext(connection) as there:
        leave.ask(town.county, case.number, WHY, "8", "k-1")
    with CaptureQueriesContext(connection) as nowhere:
        leave.ask(town.county, "330825-20260101-AAAAAA", WHY, "8", "k-2")
    assert len(there) == len(nowhere)
    assert leave.own(town.county) == []
    assert Grant.objects.count() == 1
    waiting, running = leave.to_rule_on(officer())
    assert [(each.number, each.confidentiality) for each in waiting] == [(case.number, "C2")]
    assert running == []


def test_the_same_form_twice_asks_once(town: Any) -> None:
    case = confidential(town)
    for _turn in range(2):
        leave.ask(town.county, case.number, WHY, "8", "k-1")
    assert Grant.objects.count() == 1
    leave.ask(town.county, case.number, WHY, "8", "k-2")
    assert Grant.objects.count() == 2


@pytest.mark.parametrize(
    ("number", "reason", "hours", "field"),
    [("", WHY, "8", "number"), ("x", "短", "8", "reason"), ("x", WHY, "0", "hours"),
     ("x", WHY, "73", "hours"), ("x", WHY, "", "hours"), ("x", WHY, "-1", "hours"),
     ("x", WHY, "²", "hours"), ("x", WHY, "9" * 5000, "hours")],
)  # fmt: skip
def test_what_is_incomplete_is_refused(
    town: Any, number: str, reason: str, hours: str, field: str
) -> None:
    with pytest.raises(leave.Incomplete) as wrong:
        leave.ask(town.county, number, reason, hours, "k")
    assert set(wrong.value.problems) == {field}


def test_the_three_officers_and_residents_cannot_ask(town: Any) -> None:
    case = confidential(town)
    for actor in (town.administrator, town.auditor, officer(), town.resident(case.pk)):
        with pytest.raises(leave.NotAllowed):
            leave.ask(actor, case.number, WHY, "8", "k")
    assert not Grant.objects.exists()


def test_the_unit_complained_about_gets_no_leave(town: Any) -> None:
    case = confidential(town)
    Case.objects.filter(pk=case.pk).update(about_unit="330825-center")
    leave.ask(town.county, case.number, WHY, "8", "k")
    assert not Grant.objects.exists()


def test_only_another_security_officer_of_the_area_rules(town: Any) -> None:
    case = confidential(town)
    grant = asked(town, case)
    own = officer()
    own = replace(own, account_id=town.county.account_id)
    for actor in (own, officer("330802"), town.county, town.town, town.auditor,
                  town.administrator, town.leader):  # fmt: skip
        with pytest.raises(leave.NotAllowed):
            leave.rule(actor, case.pk, grant.grant_id, given=True, ruling="同意，限参考")
        assert leave.to_rule_on(actor) == ([], [])
    assert Grant.objects.get(case_id=case.pk).given is None


def test_a_ruling_stands_and_again_changes_nothing(town: Any) -> None:
    case = confidential(town)
    grant = asked(town, case)
    first, second = officer(), officer("3308")
    with pytest.raises(leave.Incomplete):
        leave.rule(first, case.pk, grant.grant_id, given=False, ruling="不")
    leave.rule(first, case.pk, grant.grant_id, given=False, ruling="与职责无关")
    leave.rule(first, case.pk, grant.grant_id, given=False, ruling="与职责无关")
    for actor, given in ((first, True), (second, False)):
        with pytest.raises(leave.AlreadyRuled):
            leave.rule(actor, case.pk, grant.grant_id, given=given, ruling="改判为同意")
    assert Act.objects.filter(on=f"grant:{grant.grant_id}").count() == 1
    assert [each.standing for each in leave.own(town.county)] == [Standing.REFUSED]
    assert not is_open(town.county, case)


@pytest.mark.parametrize("by_holder", [True, False])
def test_a_grant_is_revoked_at_once(town: Any, by_holder: bool) -> None:
    case = confidential(town)
    grant = asked(town, case)
    security = officer()
    with pytest.raises(leave.NotAllowed):
        leave.revoke(security, case.pk, grant.grant_id)
    leave.rule(security, case.pk, grant.grant_id, given=True, ruling="同意，限参考")
    for actor in (town.town, officer("330802"), town.auditor):
        with pytest.raises(leave.NotAllowed):
            leave.revoke(actor, case.pk, grant.grant_id)
    assert is_open(town.county, case)
    for _turn in range(2):
        leave.revoke(town.county if by_holder else security, case.pk, grant.grant_id)
        assert not is_open(town.county, case)
    assert Act.objects.filter(deed="grant_revoked").count() == 1
    assert [each.standing for each in leave.own(town.county)] == [Standing.REVOKED]
