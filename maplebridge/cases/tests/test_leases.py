"""Cut off: one node writes a case at a time; what the other side said joins, nothing twice."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import transaction

from maplebridge.cases import chain, engine, leases, permissions
from maplebridge.cases.models import HOT, Case, Event, Feed, Lease, LeftNote, Payload, Timer
from maplebridge.lib import clock

pytestmark = pytest.mark.django_db
AREA = "330825209"
NOTE = "县里来电：排水队明早八点到。"


class _Undone(Exception):
    """Takes back what the node of a test did, so that the same database is home again."""


def lent(town: Any, state: str = "accepted") -> Case:
    case = town.opened(state)
    leases.lend(AREA, "330825")
    found: Case = town.case(case.pk)
    return found


def at_the_node(town: Any, case: Case, *moves: str, end: bool = True) -> tuple[Any, Any]:
    """The file that the node brings after these moves of the town's room."""
    files = []
    with pytest.raises(_Undone), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(lent_to="")
        Lease.objects.update(given=False)
        for name in moves:
            town.move(case.pk, name, town.town, key=f"node-{name}")
        files.append(leases.bring(end=end))
        raise _Undone
    header, rows = files[0]
    header = leases.Header(**json.loads(leases.as_json(header)))
    return header, json.loads(json.dumps(rows))


def refused(case: Case, town: Any) -> str:
    with pytest.raises(engine.WrittenElsewhere) as wrong:
        engine.move(case.pk, "log", town.town, key="home", facts={"note": "试写"})
    return str(wrong.value)


def later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    at = clock.now() + dt.timedelta(hours=hours)
    for module in (leases, engine, permissions):
        monkeypatch.setattr(module, "now", lambda: at)


def test_what_is_lent_is_read_at_home_and_written_nowhere_else(town: Any) -> None:
    case = lent(town)
    assert (case.lent_to, case.sequence) == (AREA, 4)
    assert "社阳乡" in refused(case, town)
    move = case.pinned_kind.move("file_case")
    assert move is not None
    assert not permissions.may(town.town, move, case, [])
    assert Case.objects.visible_to(town.town).filter(pk=case.pk).exists()
    assert not Timer.objects.filter(case_id=case.pk).exists()
    event = Event.objects.get(case_id=case.pk, move="lend")
    lease = Lease.objects.get()
    assert event.facts == {
        "lease": str(lease.pk), "to": AREA, "until": lease.ends_at.isoformat(),
        "unit": case.unit_code,
    }  # fmt: skip
    assert (lease.cases, lease.ends_at - lease.begins_at) == (1, dt.timedelta(hours=96))


def test_asked_again_the_same_lease_is_written_once_more(town: Any) -> None:
    case = lent(town)
    header, rows = leases.lend(AREA, "330825")
    assert [row["id"] for row in rows["cases_case"]] == [str(case.pk)]
    assert (Lease.objects.count(), header.lease) == (1, str(Lease.objects.get().pk))
    assert Event.objects.filter(case_id=case.pk, move="lend").count() == 1


@pytest.mark.parametrize("area", ["330825", "330825209201"])
def test_areas_that_touch_a_lent_one_are_not_lent(town: Any, area: str) -> None:
    lent(town)
    with pytest.raises(leases.LeaseRefused):
        leases.lend(area, "3308")


def test_sealed_hand_offs_and_ended_matters_stay_at_home(town: Any) -> None:
    secret, ended = town.opened("accepted"), town.opened("archived")
    Case.objects.filter(pk=secret.pk).update(confidentiality="C2")
    _header, rows = leases.lend(AREA, "330825")
    assert rows["cases_case"] == []
    assert not Case.objects.filter(pk__in=[secret.pk, ended.pk]).exclude(lent_to="").exists()


def test_what_the_node_wrote_follows_as_it_stands_and_once(town: Any) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case, "file_case")
    for turn in range(2):
        taken = leases.take(header, rows)
        assert (taken.went_on, taken.known, taken.events) == ((1, 0, 2), (0, 1, 0))[turn]
        home = town.case(case.pk)
        assert (home.state, home.lent_to, home.lent_until, home.sequence) == ("filed", "", None, 6)
        events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
        assert [one.move for one in events[3:]] == ["lend", "file_case", "return"]
        assert chain.verify(events) == []
        # Its consequences follow at home, once, and its clock runs here again.
        assert Feed.objects.filter(case_id=case.pk).count() == 6
        assert Timer.objects.filter(case_id=case.pk).exists()
    assert Lease.objects.get().over_at is not None
    town.move(case.pk, "log", town.town, {"note": "县里接着办"})


def test_a_file_on_the_way_leaves_the_right_where_it_is(town: Any) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case, "file_case", end=False)
    assert leases.take(header, rows).went_on == 1
    assert town.case(case.pk).state == "filed"
    refused(town.case(case.pk), town)


def test_rows_cross_over_without_a_difference(town: Any) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case, "file_case")
    leases.take(header, rows)
    for model in HOT:
        table = model._meta.db_table
        if table in leases.STAYS:
            continue
        found = leases._read(model, model._default_manager.filter(case_id=case.pk))
        assert sorted(map(str, found)) == sorted(map(str, rows[table])), table


def test_a_changed_file_is_refused_whole(town: Any) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case, "file_case")
    rows["cases_event"][-1]["facts"]["note"] = "改过"
    with pytest.raises(leases.LeaseRefused, match=case.number):
        leases.take(header, rows)
    assert town.case(case.pk).sequence == 4


def test_a_note_left_at_home_joins_when_the_right_comes_back(town: Any) -> None:
    case = lent(town)
    for _turn in range(2):
        leases.leave_note(case, town.county, f" {NOTE} ", "form")
    header, rows = at_the_node(town, case, "file_case")
    for _turn in range(2):
        leases.take(header, rows)
    joined = Event.objects.get(case_id=case.pk, move="join")
    assert (joined.unit_code, joined.account_id, joined.sequence) == (
        town.county.unit_code, town.county.account_id, 7,
    )  # fmt: skip
    words = Payload.objects.get(case_id=case.pk, sequence=7, part="words")
    assert words.content == {"note": NOTE}
    assert LeftNote.objects.get().joined


@pytest.mark.parametrize("text", ["", "   ", "长" * 2001])
def test_a_note_has_words_and_an_end(town: Any, text: str) -> None:
    with pytest.raises(leases.LeaseRefused):
        leases.leave_note(lent(town), town.county, text, "form")


def test_no_note_is_left_about_what_is_written_here(town: Any) -> None:
    with pytest.raises(leases.LeaseRefused):
        leases.leave_note(town.opened("accepted"), town.county, NOTE, "form")


def test_the_right_is_taken_back_only_after_its_time(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lent(town)
    with pytest.raises(leases.LeaseRefused):
        leases.recall(AREA)
    # The node, whose time is over as well, may not write any more.
    later(monkeypatch, 97)
    with pytest.raises(_Undone), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(lent_to="")
        refused(town.case(case.pk), town)
        raise _Undone
    assert leases.recall(AREA) == 1
    town.move(case.pk, "log", town.town, {"note": "县里接着办"})
    assert Timer.objects.filter(case_id=case.pk).exists()


def test_what_comes_after_the_right_was_taken_back_joins_beside(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case, "file_case")
    later(monkeypatch, 97)
    leases.recall(AREA)
    town.move(case.pk, "log", town.town, {"note": "县里先记一笔"})
    for turn in range(2):
        taken = leases.take(header, rows)
        assert (taken.joined, taken.events) == ((1, 1), (0, 0))[turn]
    home = town.case(case.pk)
    assert home.state == "accepted"
    events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
    assert [one.move for one in events[3:]] == ["lend", "recall", "log", "join"]
    assert (events[-1].facts["move"], events[-1].facts["to_state"]) == ("file_case", "filed")
    assert chain.verify(events) == []


def test_a_file_for_another_node_or_lease_is_refused(town: Any) -> None:
    case = lent(town)
    header, rows = at_the_node(town, case)
    for wrong in (
        {"taker": "330825210"}, {"lease": str(case.pk)}, {"version": leases.VERSION + 1},
    ):  # fmt: skip
        with pytest.raises(leases.LeaseRefused):
            leases.take(leases.Header(**{**vars(header), **wrong}), rows)
    assert town.case(case.pk).sequence == 4
