"""The story is told whole; the demonstration stands, twice the same; the record's figures."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.applications.mediation import demonstration, figures, screening, story
from maplebridge.applications.mediation.models import Campaign, Screening
from maplebridge.applications.mediation.rules import Refused
from maplebridge.cases.models import Case, Event
from maplebridge.insight.indicators import first_day, percent
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import EVERYTHING
from maplebridge.lib.clock import local_day, now

TODAY = dt.date(2026, 11, 23)


@pytest.mark.django_db
def test_the_story_is_told_from_screening_to_rating(town):
    told: list[tuple[str, dt.datetime]] = []
    figures_of_it = story.tell(lambda said, at: told.append((said, at)))
    assert figures_of_it["record"] == {
        "screened": 45228, "settled": 45160, "success_share": "99.85%",
    }  # fmt: skip
    said = {n: figures_of_it[n] for n in ("state", "sessions", "performed", "ruling", "rating")}
    assert said == {
        "state": "archived", "sessions": 2, "performed": "2/2", "ruling": "confirmed", "rating": 5,
    }  # fmt: skip
    assert figures_of_it["layers"] == 3
    begin = local_day(now()) - dt.timedelta(days=story.DAYS)
    assert figures_of_it["effective_on"] == (begin + dt.timedelta(days=18)).isoformat()
    moments = [at for _said, at in told]
    assert len(told) == 32
    assert moments == sorted(moments)
    assert sum("被拒绝" in said for said, _at in told) == 6
    assert any("和为贵与当事人2同住一户" in said for said, _at in told)
    # A second telling is a dispute of its own.
    assert story.tell(lambda _said, _at: None)["number"] != figures_of_it["number"]


@pytest.mark.django_db
def test_the_demonstration_is_opened_twice_and_stands_once(town):
    demonstration.open_demonstration()
    disputes = Case.objects.filter(kind="dispute").order_by("opened_at")
    assert sorted(c.state for c in disputes) == [
        "choosing", "mediating", "performing", "registered",
    ]  # fmt: skip
    assert all(case.synthetic for case in disputes)
    before = Event.objects.count(), Screening.objects.count()
    demonstration.open_demonstration()
    assert (Event.objects.count(), Screening.objects.count()) == before


@pytest.mark.django_db
def test_a_screening_takes_nothing_found_as_an_answer(town):
    said = {"title": "排查", "begins": "2026-11-20", "ends": "2026-12-05"}
    campaign = screening.call(town.town, said, "k")
    assert screening.call(town.town, said, "k").pk == campaign.pk
    assert Campaign.objects.count() == 1
    stations = set(campaign.parts.values_list("unit_code", flat=True))
    assert town.village.unit_code in stations
    assert len(stations) > 5
    part = screening.answer(town.village, campaign, "0")
    assert (part.count, part.done_at is not None) == (0, True)
    shown = screening.shown_to(town.town)[0]
    assert (shown.done, shown.found) == (1, 0)
    # A station sees its own part alone.
    assert [p.unit_code for p in screening.shown_to(town.village)[0].parts] == [
        town.village.unit_code
    ]
    for actor, found in ((town.village, "-1"), (town.village, "501"), (town.stranger, "1")):
        with pytest.raises(Refused):
            screening.answer(actor, campaign, found)
    with pytest.raises(Refused):
        screening.call(town.village, said, "k2")
    with pytest.raises(Refused):
        screening.call(town.town, {**said, "ends": "2026-11-19"}, "k3")


def row(area: str, cause: str, opened: str, *events: tuple[str, dict, str]) -> figures.Row:
    def at(day: str) -> dt.datetime:
        return dt.datetime.fromisoformat(f"{day}T10:00:00+08:00")

    return figures.Row(area, cause, at(opened), tuple((m, f, at(d)) for m, f, d in events))


def test_the_figures_are_counted_by_area_and_cause():
    agreed = {"dues": ["2026-03-01", "2026-12-30"]}
    rows = [
        row("330825209201", "0102", "2026-01-05", ("agree", agreed, "2026-02-01"),
            ("note_performance", {"item": 1, "kept": "whole"}, "2026-03-01"),
            ("note_ruling", {"ruling": "confirmed"}, "2026-03-02")),
        row("330825209201", "0102", "2026-06-01", ("stop", {"ground": "apart"}, "2026-06-20")),
        row("330825209202", "0103", "2026-01-05", ("agree", {"dues": ["2026-02-20"]}, "2026-02-01"),
            ("note_performance", {"item": 1, "kept": "part"}, "2026-02-20")),
        row("330825209202", "0102", "2026-11-01"),
    ]  # fmt: skip
    assert figures.count(rows, TODAY) == figures.Counts(
        screened=4, settled=2, ended=1, due=2, performed=1, confirmed=1, repeated=1
    )
    by_cause = figures.by_cause(rows, TODAY)
    assert {code: (n.screened, n.settled) for code, n in by_cause.items()} == {
        "0102": (3, 1), "0103": (1, 1),
    }  # fmt: skip
    by_area = figures.by_area(rows, "330825209", TODAY)
    assert {code: n.repeated for code, n in by_area.items()} == {
        "330825209201": 1, "330825209202": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_the_figures_of_the_story_are_counted_from_its_events(town):
    story.tell(lambda _said, _at: None)
    today = local_day(now())
    period = Period(first_day("330825") or today, today)
    lines = {line.name: line for line in figures.lines_of("330825", period, EVERYTHING, today)}
    shown = ("screened", "settled", "performed", "confirmed", "repeated")
    assert [lines[f"dispute_{name}"].numerator for name in shown] == [1, 1, 1, 1, 0]


def test_the_success_share_of_the_record_is_the_one_in_the_paper():
    lines = {line.name: line for line in figures.lines(figures.Counts(45228, 45160))}
    share = lines["dispute_success"]
    assert (share.numerator, share.denominator, percent(share.value)) == (45160, 45228, "99.85%")
    empty = {line.name: line for line in figures.lines(figures.Counts())}
    assert empty["dispute_success"].value is None
    assert percent(empty["dispute_performed"].value) == "—"
