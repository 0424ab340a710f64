"""Who is on duty, where nobody is, and that what a shift leaves open is taken by another."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation import duty, units
from maplebridge.organisation.models import Account, Post, Shift, ShiftNote, Unit, actors_for
from maplebridge.organisation.people import Actor, Role

pytestmark = pytest.mark.django_db
ROOM = "330825209-room"
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# A Monday that is worked.
MONDAY = dt.datetime(2026, 11, 23, 8, 30, tzinfo=CHINA)


@pytest.fixture
def clerk(django_db_setup: None, db: None) -> Actor:
    return actors_for(Account.objects.get(username="town"), dt.date(2026, 11, 1))[0]


def other(actor: Actor) -> Actor:
    return Actor(
        role=actor.role, account_id=uuid.uuid4(), unit_code=actor.unit_code,
        area_code=actor.area_code,
    )  # fmt: skip


def post_of(actor: Actor) -> str:
    return Post.objects.filter(unit_id=actor.unit_code, role=actor.role).get().pk


def planned(actor: Actor, begins: dt.datetime, ends: dt.datetime, **more: Any) -> int:
    return duty.plan(actor, post_of(actor), begins, ends, **{"key": str(uuid.uuid4()), **more})


def test_who_is_on_duty_is_told_with_one_statement_and_at_once(clerk: Actor) -> None:
    post = Post.objects.get(pk=post_of(clerk))
    Shift.objects.bulk_create(
        Shift(
            pk=uuid.uuid4(), unit_code=ROOM if n % 2 else "330825-center", post=post,
            begins_at=MONDAY + n * HOUR, ends_at=MONDAY + (n + 1) * HOUR, made_at=MONDAY,
        )
        for n in range(-5000, 5000)
    )  # fmt: skip
    begun = time.perf_counter()
    with CaptureQueriesContext(connection) as asked:
        found = duty.on_duty(ROOM, MONDAY + 1.5 * HOUR)
    assert time.perf_counter() - begun < 0.1
    assert len(asked) == 1
    assert [(one.begins_at, one.title) for one in found] == [(MONDAY + HOUR, post.title)]


def test_a_shift_begins_at_its_first_moment_and_has_ended_at_its_last(clerk: Actor) -> None:
    planned(clerk, MONDAY, MONDAY + HOUR, desk_phone=" 0570－12345 ")
    [one] = duty.on_duty(ROOM, MONDAY)
    assert (one.desk_phone, one.role) == ("0570-12345", Role.CLERK)
    assert duty.on_duty(ROOM, MONDAY + HOUR) == []
    assert duty.on_duty("330825-center", MONDAY) == []
    rooms = dict(duty.rooms_on_duty("330825", MONDAY))
    assert [each.shift_id for each in rooms[ROOM]] == [one.shift_id]
    assert "330825209201-station" not in rooms
    assert rooms["330825-center"] == []


def test_gaps_are_found_in_the_hours_in_which_a_unit_is_open(clerk: Actor) -> None:
    Unit.objects.filter(pk=ROOM).update(hours={})
    units.kept.forget()
    planned(clerk, MONDAY, MONDAY + 2 * HOUR)
    planned(clerk, MONDAY + 3 * HOUR, MONDAY + 9 * HOUR)

    def at(*clock: int) -> dt.datetime:
        return MONDAY.replace(hour=clock[0], minute=clock[1])

    found = duty.gaps(ROOM, MONDAY, DAY - HOUR)
    # 8:30 to 12:00 and 14:00 to 17:30 are worked; at noon nobody has to be there.
    assert found == [(at(10, 30), at(11, 30))]
    Unit.objects.filter(pk=ROOM).update(hours={"around_the_clock": True})
    units.kept.forget()
    assert duty.gaps(ROOM, MONDAY, DAY) == [
        (at(10, 30), at(11, 30)),
        (at(17, 30), MONDAY + DAY),
    ]
    # A Sunday without anybody is a gap of such a unit, and of the other none.
    assert len(duty.gaps(ROOM, MONDAY - DAY, HOUR)) == 1
    Unit.objects.filter(pk=ROOM).update(hours={})
    units.kept.forget()
    assert duty.gaps(ROOM, MONDAY - DAY, HOUR) == []


def test_shifts_that_overlap_leave_no_gap_and_seven_days_are_looked_through(clerk: Actor) -> None:
    Unit.objects.filter(pk=ROOM).update(hours={"around_the_clock": True})
    units.kept.forget()
    assert planned(clerk, MONDAY, MONDAY + 13 * HOUR, days=7) == 7
    assert planned(clerk, MONDAY + 12 * HOUR, MONDAY + 24 * HOUR, days=7) == 7
    assert duty.gaps(ROOM, MONDAY) == []
    [late] = Shift.objects.filter(begins_at=MONDAY + 5 * DAY)
    Shift.objects.filter(pk=late.pk).update(taken_back_at=now())
    assert duty.gaps(ROOM, MONDAY) == [(MONDAY + 5 * DAY, MONDAY + 5 * DAY + 12 * HOUR)]


def test_the_same_form_plans_once(clerk: Actor) -> None:
    for _turn in range(2):
        planned(clerk, MONDAY, MONDAY + HOUR, key="same", days=3)
    assert Shift.objects.filter(unit_code=ROOM).count() == 3


def test_what_cannot_be_planned_gets_a_sentence_a_field(clerk: Actor) -> None:
    stranger = Post.objects.filter(unit_id="330825-center").first()
    with pytest.raises(duty.RosterRefused) as none:
        duty.plan(clerk, stranger.pk, MONDAY, MONDAY - HOUR, key="k", days=0)
    assert sorted(none.value.problems) == ["days", "ends_at", "post"]
    with pytest.raises(duty.RosterRefused) as long:
        planned(clerk, MONDAY, MONDAY + 37 * HOUR)
    assert sorted(long.value.problems) == ["ends_at"]
    with pytest.raises(duty.RosterRefused) as empty:
        duty.plan(clerk, post_of(clerk), None, None, key="k")
    assert sorted(empty.value.problems) == ["begins_at"]
    reader = Actor(role=Role.SUPERVISOR, account_id=uuid.uuid4(), unit_code=ROOM)
    with pytest.raises(duty.RosterRefused):
        duty.plan(reader, post_of(clerk), MONDAY, MONDAY + HOUR, key="k")
    assert not Shift.objects.exists()


def test_only_a_shift_to_come_is_taken_back_and_only_by_its_unit(clerk: Actor) -> None:
    at = now()
    planned(clerk, at - HOUR, at + HOUR)
    planned(clerk, at + HOUR, at + 2 * HOUR)
    running, coming = Shift.objects.order_by("begins_at")
    elsewhere = Actor(role=Role.CLERK, account_id=uuid.uuid4(), unit_code="330802005-room")
    assert not duty.take_back(elsewhere, coming.pk)
    assert not duty.take_back(clerk, running.pk)
    assert duty.take_back(clerk, coming.pk)
    assert [one.shift_id for one in duty.shifts(ROOM, at - DAY, at + DAY)] == [running.pk]


def test_a_shift_that_ended_is_written_up_by_one_and_taken_over_by_another(clerk: Actor) -> None:
    at = now()
    planned(clerk, at - 8 * HOUR, at - HOUR)
    [change] = duty.unfinished(ROOM, at)
    shift = change.shift.pk
    with pytest.raises(duty.RosterRefused):
        duty.take_note(other(clerk), shift)
    matter = uuid.uuid4()
    duty.write_note(clerk, shift, "答应李村下午回电", [matter])
    duty.write_note(clerk, shift, "答应李村下午四点回电", [matter])
    with pytest.raises(duty.RosterRefused, match=r"cannot take it over|不能"):
        duty.take_note(clerk, shift)
    taken = duty.take_note(other(clerk), shift)
    again = duty.take_note(other(clerk), shift)
    assert (again.taken_by, again.words) == (taken.taken_by, "答应李村下午四点回电")
    assert again.matters == [matter]
    assert duty.unfinished(ROOM, at) == []
    with pytest.raises(duty.RosterRefused):
        duty.write_note(clerk, shift, "改一改", [])
    assert ShiftNote.objects.get(pk=shift).words == "答应李村下午四点回电"


def test_what_does_not_end_yet_is_not_handed_over_nor_another_units(clerk: Actor) -> None:
    at = now()
    planned(clerk, at - HOUR, at + 3 * HOUR)
    planned(clerk, at - HOUR, at + 0.5 * HOUR)
    soon, later = Shift.objects.order_by("ends_at")
    assert [change.shift.pk for change in duty.unfinished(ROOM, at)] == [soon.pk]
    for actor, shift in (
        (clerk, later.pk),
        (Actor(role=Role.CLERK, account_id=uuid.uuid4(), unit_code="330802005-room"), soon.pk),
        (Actor(role=Role.LEADER, account_id=uuid.uuid4(), unit_code=ROOM), soon.pk),
    ):
        with pytest.raises(duty.RosterRefused):
            duty.write_note(actor, shift, "交接", [])
    assert not ShiftNote.objects.exists()


def test_the_database_keeps_two_people_at_a_note(clerk: Actor) -> None:
    at = now()
    planned(clerk, at - 8 * HOUR, at - HOUR)
    note = duty.write_note(clerk, Shift.objects.get().pk, "交接", [])
    with pytest.raises(IntegrityError), transaction.atomic():
        ShiftNote.objects.filter(pk=note.pk).update(taken_by=clerk.account_id, taken_at=at)


def test_calls_are_taken_by_clerks_and_dispatchers_of_rooms(clerk: Actor) -> None:
    assert duty.takes_calls(clerk)
    for role, unit in ((Role.OFFICER, "330825-hsc"), (Role.LEADER, ROOM), (Role.CLERK, "gone")):
        assert not duty.takes_calls(Actor(role=role, account_id=uuid.uuid4(), unit_code=unit))
