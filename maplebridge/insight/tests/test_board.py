"""The board: what it counts, what it hides, and that the past can be told again."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.cases.models import Case
from maplebridge.insight import board, replay
from maplebridge.insight.board import FEWEST, Standing, breakdown, live
from maplebridge.insight.tests.lives import Lives
from maplebridge.lib.clock import now

pytestmark = pytest.mark.django_db
COUNTY = "330825"
NOON = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)


def standing(name: str, confidentiality: str = "C0", **more: object) -> Standing:
    said: dict[str, object] = {
        "area_code": "330825209201",
        "category": f"{name}04",
        "channel": "web",
        "line": "HSC",
        "confidentiality": confidentiality,
        "unit_code": "330825-hsc",
        "opened_at": NOON,
        "due_at": None,
        "supervision": 0,
        "urgency": "ordinary",
        "sla_class": "S4",
        **more,
    }
    return Standing(**said)  # type: ignore[arg-type]


def test_six_figures_and_their_parts(town):
    late = town.opened("accepted")
    Case.objects.filter(pk=late.pk).update(due_at=now() - dt.timedelta(hours=1))
    supervised = town.opened("handling")
    reason = {"supervision": "1", "reason": "群众多次反映"}
    town.move(supervised.pk, "supervise", town.county, reason)
    town.opened("archived")
    secret = town.report().case_id
    town.triage(secret, confidentiality="C2")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = live(COUNTY)
    assert len(asked) == 3
    assert (found.new_today, found.open, found.overdue, found.supervised) == (3, 2, 1, 1)
    assert (found.rated.rated, found.rated.satisfied, found.rated.solved) == (1, 1, 1)
    assert [(c.name, c.cases, c.overdue) for c in found.areas] == [("330825209", 2, 1)]
    assert [(c.name, c.cases) for c in found.categories] == [("10", 2)]
    assert [(u.unit_code, u.supervised, u.overdue) for u in found.units] == [
        ("330825-hsc", 1, 0),
        ("330825209-room", 0, 1),
    ]
    assert (found.trend[-1].opened, found.trend[-1].closed) == (3, 1)
    assert sum(day.opened for day in found.trend) == 3


def test_the_feed_names_no_sensitive_matter(town):
    shown = town.opened("accepted")
    hidden = town.report().case_id
    town.triage(hidden, confidentiality="C1")
    assert [line.case_id for line in board.movements(COUNTY)] == [shown.pk]


def test_of_sensitive_matters_no_number_under_five_is_shown():
    standings = [standing("01", "C1") for _ in range(4)] + [standing("10") for _ in range(2)]
    cells = {c.name: (c.cases, c.hides) for c in breakdown(standings, by_group, NOON)}
    assert cells == {"01": (0, True), "10": (2, False)}
    total = board.compose(
        COUNTY, NOON, standings, board.days(NOON, lambda _d: (0, 0)), board.Rated()
    )
    assert (total.open, total.hides) == (2, True)


def composed(standings: list[Standing]) -> board.Board:
    return board.compose(
        COUNTY, NOON, standings, board.days(NOON, lambda _day: (0, 0)), board.Rated()
    )


def by_group(one: Standing) -> str:
    return one.category[:2]


groups = st.dictionaries(
    st.sampled_from(["01", "02", "03", "04", "10"]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)


@given(groups)
def test_no_hidden_number_is_the_difference_of_what_is_shown(drawn):
    """Whoever knows the sum and every number shown is left with two unknowns, or none."""
    standings = [
        standing(name, kind)
        for name, (plain, sensitive) in drawn.items()
        for kind, many in (("C0", plain), ("C1", sensitive))
        for _ in range(many)
    ]
    random.Random(1).shuffle(standings)
    found = {c.name: c for c in breakdown(standings, by_group, NOON)}
    total = board.compose(
        COUNTY, NOON, standings, board.days(NOON, lambda _d: (0, 0)), board.Rated()
    )
    sensitive = {name: s for name, (_p, s) in drawn.items() if s}
    for name, many in sensitive.items():
        assert found[name].hides or many >= FEWEST
        assert found[name].cases == drawn[name][0] + (0 if found[name].hides else many)
    hidden = [name for name in found if found[name].hides]
    # The sum tells of the hidden ones together; alone it must not stand for one of them.
    if len(hidden) == 1:
        assert total.hides


@pytest.mark.parametrize("seed", [3, 7, 11, 14])
def test_the_past_is_told_again_as_the_board_said_it_then(town, seed):
    """Random lives; what became confidential since is left out of the past, too."""
    walk, said = Lives(town, seed), []
    names = [name for name in Standing.__dataclass_fields__ if name != "unit_code"]
    for _round in range(12):
        for _ in range(8):
            walk.step()
        rows = board.counted("3308").values("pk", "ended", "rating", "solved", *names)
        said.append((walk.world.at, {row.pop("pk"): row for row in rows}))
    counted = set(board.counted("3308").values_list("pk", flat=True))
    last = dict(Case.objects.values_list("pk", "changed_at"))
    compared = 0
    for at, then in said:
        told = replay.stood("3308", at)
        # What had ended before the first day of the trend is on no board.
        first = board.since(at)
        gone = {case for case, row in then.items() if row["ended"] and last[case] < first}
        assert gone.isdisjoint(told)
        for case_id in counted & set(then) - gone:
            again = {name: told[case_id].get(name) for name in then[case_id]}
            assert again == then[case_id], (seed, at, case_id)
            compared += 1
        assert set(told) <= counted
        assert replay.at("3308", at) == replay.at("3308", at)
    assert walk.made >= 30
    # A life may leave every case confidential; then the past says nothing at all.
    assert bool(compared) == bool(counted)


def test_the_board_of_now_is_the_replay_of_now(town):
    for state in ("reported", "accepted", "handling", "closed", "archived"):
        town.opened(state)
    at = now()
    told = replay.at(COUNTY, at)
    assert replace(live(COUNTY, at), units=()) == replace(told, units=())
    assert told.open == 3


def test_a_replay_of_too_much_is_refused(town, monkeypatch):
    town.opened("archived")
    monkeypatch.setattr(replay, "MOST_EVENTS", 3)
    with pytest.raises(replay.TooMuch):
        replay.at(COUNTY, now())
