"""What holds of reports that are merged into each other and taken out again, in any order.

The feed's reader works between the moves, late and sometimes twice, as it does in the house.
"""

from __future__ import annotations

import os
from typing import ClassVar

import pytest

from maplebridge.cases import deadlines, effects
from maplebridge.cases.kinds import Effect
from maplebridge.cases.tests import machine
from maplebridge.journey import work
from maplebridge.journey.rate import follow

STEPS = int(os.environ.get("MAPLEBRIDGE_PROPERTY_STEPS", "10000")) // 10
SEED = os.environ.get("MAPLEBRIDGE_PROPERTY_SEED")
LIFE = 50
BUDGET = 2000
OTHERS = (101, 102, 103)
REFUSED_TOGETHER = "no_reporter_is_refused_with_another"
# What unmerging may change of a case: where it stands, who holds it, and its clocks.
MOVED = frozenset(
    {
        "state", "ended", "unit_code", "sequence", "last_hash", "changed_at", "merged_into",
        "due_at", "due_clock", "due_provisional",
    }
)  # fmt: skip


class Twins(machine.World):
    """Lives in which much is merged and taken out again."""

    weights: ClassVar = {
        **machine.World.weights,
        "merge": 15.0,
        "decline": 3.0,
        "void": 5.0,
        "unmerge": 3.0,
        # A lead has left, and a complaint about a unit is merged with few others.
        "hand_over": 0.02,
        "name_unit": 0.1,
    }

    def begin(self):
        self.merges = self.chains = 0
        super().begin()

    def choose(self, case_id, draw):
        # Somebody could always unmerge: without this no twin would stay one for long.
        if self.sights[case_id].row["state"] == "merged" and draw.random() < 0.8:
            return self.anybody(case_id, draw)
        return super().choose(case_id, draw)

    def look(self, case_id):
        before = self.sights.get(case_id)
        seen = super().look(case_id)
        last = seen.events[-1]
        if Effect.MERGE in seen.effects(last):
            self.merges += 1
        if before is not None and Effect.UNMERGE in seen.effects(last):
            kept = {name: value for name, value in before.row.items() if name not in MOVED}
            now = {name: seen.row[name] for name in kept}
            if (
                kept != now
                or before.rows["payloads"] != seen.rows["payloads"][: len(before.rows["payloads"])]
            ):
                raise machine.Broken("unmerging_gives_everything_back", f"{kept} became {now}")
        return seen

    def absorbed(self, case_id):
        """The twins that a case knows of by its own events."""
        twins = set()
        for event in self.sights[case_id].events:
            if event.move == "absorb":
                twins.add(event.facts["twin"])
            elif event.move == "give_back":
                twins.discard(event.facts["twin"])
        return twins

    def end(self):
        super().end()
        for case_id in self.cases:
            seen = self.sights[case_id]
            self.follows(seen)
            into = seen.row["merged_into"]
            if into is None:
                continue
            other = next(c for c in self.cases if str(c) == into)
            state = self.sights[other].row["state"]
            if str(case_id) not in self.absorbed(other):
                raise machine.Broken("the_other_case_knows_its_twin", f"{state} has not heard")
            if state in ("declined", "voided"):
                raise machine.Broken(REFUSED_TOGETHER, state)

    def follows(self, seen):
        """Every reporter finds the own report by the own code, and the work where it goes on."""
        found = follow(seen.row["query_code"])
        if found is None or found.own.pk != seen.case.pk or found.actor.reporter_of != seen.case.pk:
            raise machine.Broken("every_reporter_keeps_the_own_report", seen.row["query_code"])
        end = seen
        for _step in self.cases:
            into = end.row["merged_into"]
            if into is None:
                break
            end = next(s for c, s in self.sights.items() if str(c) == into)
        else:
            raise machine.Broken("merging_leads_somewhere", "two cases are merged into each other")
        if found.shown.pk != end.case.pk:
            raise machine.Broken("every_reporter_is_led_to_the_work", str(found.shown.pk))


@pytest.mark.long
def test_merging_and_taking_out_again_loses_no_reporter(committed_town, monkeypatch):
    world = Twins(committed_town, work.carry_out)
    monkeypatch.setattr(work.log, "warning", lambda *_said: None)
    broken = machine.search(world, monkeypatch, STEPS, seed=int(SEED) if SEED else None, life=LIFE)
    if broken is not None:
        raise broken
    assert world.steps >= STEPS
    if STEPS >= 1000:
        assert world.made["merge"] >= 20
        assert world.made["unmerge"] >= 10


def forgotten_words(monkeypatch):
    def unmerge(step):
        step.case.merged_into = None
        step.case.category = ""

    monkeypatch.setitem(effects.EFFECTS, Effect.UNMERGE, unmerge)


def deaf_reader(monkeypatch):
    monkeypatch.setattr(work, "ANSWER", {"unmerge": "give_back"})


def forgetful_reader(monkeypatch):
    monkeypatch.setattr(work, "_give_back", lambda *_args: None)


def reader_that_counts(monkeypatch):
    move, told = work.engine.move, []

    def again(case_id, name, *args, key, **more):
        if name in machine.OF_TWINS:
            told.append(name)
            key = f"{key}-{len(told)}"
        return move(case_id, name, *args, key=key, **more)

    monkeypatch.setattr(work.engine, "move", again)


@pytest.mark.parametrize(
    ("plant", "laws"),
    [
        (forgotten_words, {"the_row_is_what_the_events_tell", "unmerging_gives_everything_back"}),
        (deaf_reader, {"the_other_case_knows_its_twin"}),
        (forgetful_reader, {"the_other_case_knows_its_twin", REFUSED_TOGETHER}),
        (reader_that_counts, {"the_feed_changes_nothing_twice"}),
    ],
    ids=range(4),
)  # fmt: skip
def test_a_planted_bug_is_found(committed_town, monkeypatch, plant, laws):
    world = Twins(committed_town, work.carry_out)
    monkeypatch.setattr(work.log, "warning", lambda *_said: None)
    plant(monkeypatch)
    for seed in (None, *OTHERS):  # some lives more, when chance has passed the bug over
        broken = machine.search(world, monkeypatch, BUDGET, seed=seed, shrink=False, life=LIFE)
        if broken is not None:
            break
    assert isinstance(broken, machine.Broken), f"{world.steps} steps, not found: {broken!r}"
    assert broken.law in laws, broken


# -- peers.md B5, "every reporter: own updates, own rating, earliest clock" --------------


def _merged(town):
    """An older report merged into a younger one, and the feed read."""
    older, younger = town.opened("accepted"), town.opened("accepted")
    event = town.move(older.pk, "merge", town.town, {"into": str(younger.pk)})
    work.carry_out(
        machine.News(older.pk, event.sequence, "", "matter", "merge", "merged", event.at, "1")
    )
    return town.case(older.pk), town.case(younger.pk)


@pytest.mark.django_db
def test_every_reporter_of_a_merged_matter_rates_it(town):
    older, younger = _merged(town)
    town.walk_from(younger.pk, "accepted", "closed")
    town.move(older.pk, "rate_twin", town.resident(older.pk), {"rating": "4", "solved": True})
    assert town.case(older.pk).rating == 4


@pytest.mark.django_db
def test_the_earliest_clock_counts_after_merging(town):
    import datetime as dt

    receipt = town.report(at=dt.datetime(2026, 11, 2, 1, tzinfo=dt.UTC))
    early = dt.datetime(2026, 11, 2, 2, tzinfo=dt.UTC)
    town.triage(receipt.case_id)
    older = town.case(receipt.case_id)
    younger = town.report(at=early + dt.timedelta(days=7)).case_id
    town.triage(younger)
    event = town.move(older.pk, "merge", town.town, {"into": str(younger)})
    work.carry_out(
        machine.News(older.pk, event.sequence, "", "matter", "merge", "merged", event.at, "1")
    )
    assert town.case(younger).due_at == older.due_at


@pytest.mark.django_db
def test_a_twin_taken_out_again_has_its_own_clock_as_before(town):
    older, _younger = _merged(town)
    started = {c.name: c.started_at for c in _clocks(older)}
    town.move(older.pk, "unmerge", town.town, {"reason": "不是一回事"})
    running = {c.name: c.started_at for c in _clocks(older) if c.is_running}
    assert running == {"dispatch": started["dispatch"]}


def _clocks(case):
    from maplebridge.cases.models import Event

    return deadlines.clocks_of(case, Event.objects.filter(case_id=case.pk).order_by("sequence"))
