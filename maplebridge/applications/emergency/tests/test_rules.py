"""The rules of emergencies by themselves: commander, sources, corrections, stages."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from django.utils import translation

from maplebridge.applications.emergency.rules import (
    Entry,
    Reading,
    Refused,
    check_correction,
    check_report,
    commander,
    situation,
)

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 7, 1, hour, minute, tzinfo=dt.UTC)


def entry(number: int, move: str, hour: int = 15, **facts: object) -> Entry:
    return Entry(number, move, at(hour), facts, ONE)


def test_command_is_taken_handed_over_and_ended():
    log = [entry(1, "propose"), entry(2, "take_command")]
    assert commander(log[:1]) is None
    assert commander(log) == ONE
    log.append(entry(3, "hand_command", to=str(TWO)))
    assert commander(log) == TWO
    assert commander([*log, entry(4, "stand_down")]) is None


def test_every_number_has_its_source_and_a_correction_takes_its_place():
    log = [
        entry(2, "note_breach", 15, metres=10),
        entry(3, "note_breach", 16, metres=8, corrects=2),
        entry(4, "answer_help", 16, people=40),
        entry(5, "note_filling", 17, filled="1/3"),
    ]
    readings = [Reading("s", at(h), Decimal(m)) for h, m in ((14, "63.0"), (18, "62.4"))]
    known = situation(log, readings, at(18))
    found = {name: (one.value, one.entries) for name, one in known.known.items()}
    assert found == {
        "breach_metres": (8, (3,)),
        "people": (40, (4,)),
        "filled_share": (Fraction(1, 3), (5,)),
        "level_change_metres": (Decimal("-0.6"), ()),
    }
    assert known.level_change_metres is not None
    assert [r.at for r in known.level_change_metres.readings] == [at(14), at(18)]
    before = situation(log, readings, at(15))
    assert before.breach_metres is not None
    assert (before.breach_metres.value, before.level_change_metres) == (10, None)
    with pytest.raises(Refused, match="none of this sort"):
        check_correction(log, "note_breach", 4)


def test_a_report_without_source_or_out_of_order_is_refused():
    known = situation([entry(2, "note_breach", metres=8)], [], at(18))
    first = entry(3, "report_situation", stage="first")
    final = entry(4, "report_situation", stage="final")
    with pytest.raises(Refused, match="No number has a source"):
        check_report(situation([], [], at(18)), [], "first")
    with pytest.raises(Refused, match="no first report"):
        check_report(known, [], "follow_up")
    with pytest.raises(Refused, match="a first report already"):
        check_report(known, [first], "first")
    with pytest.raises(Refused, match="final report is sent"):
        check_report(known, [first, final], "follow_up")
    check_report(known, [first], "follow_up")
