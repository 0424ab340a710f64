"""What is true of emergencies alone: one commander, and no number without the entry it is from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

# Whoever is asked for help answers within so many minutes. Source: our decision, as time class S0.
ANSWER_MINUTES = 15


class Refused(ValueError):
    """It cannot be done as it is; the text says why, and how to mend it."""


@dataclass(frozen=True)
class Entry:
    """An entry of the command log: one event, without its words."""

    number: int
    move: str
    at: dt.datetime
    facts: Mapping[str, Any]
    account_id: UUID | None = None


@dataclass(frozen=True)
class Reading:
    """A good reading of the gauge. metres: over the station's datum."""

    station: str
    at: dt.datetime
    metres: Decimal


@dataclass(frozen=True)
class Sourced:
    """A number and where it is from: entries of the log, or readings."""

    value: Fraction | Decimal | int
    entries: tuple[int, ...] = ()
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Situation:
    """What is known at a moment; None for what nobody has noted."""

    at: dt.datetime
    breach_metres: Sourced | None
    people: Sourced | None
    filled_share: Sourced | None
    level_change_metres: Sourced | None
    households: Sourced | None

    @property
    def known(self) -> dict[str, Sourced]:
        """The numbers there are, by name."""
        named = {
            "breach_metres": self.breach_metres,
            "people": self.people,
            "filled_share": self.filled_share,
            "level_change_metres": self.level_change_metres,
            "households": self.households,
        }
        return {name: one for name, one in named.items() if one is not None}


def commander(log: Iterable[Entry]) -> UUID | None:
    """Whose command it is: who took it, or to whom it was handed over last; None after the end."""
    held: UUID | None = None
    for entry in log:
        if entry.move == "take_command":
            held = entry.account_id
        elif entry.move == "hand_command":
            held = UUID(entry.facts["to"])
        elif entry.move == "stand_down":
            held = None
    return held


def standing(log: Iterable[Entry], until: dt.datetime) -> list[Entry]:
    """The entries up to a moment that no other one of the same sort corrects."""
    seen = [entry for entry in log if entry.at <= until]
    gone = {(entry.move, entry.facts["corrects"]) for entry in seen if "corrects" in entry.facts}
    return [entry for entry in seen if (entry.move, entry.number) not in gone]


def corrected(log: Iterable[Entry]) -> dict[int, int]:
    """Which entry took the place of which: the number of the newer one by that of the older."""
    return {
        int(entry.facts["corrects"]): entry.number for entry in log if "corrects" in entry.facts
    }


@dataclass(frozen=True)
class Request:
    """Help that was asked for. answer, arrival: the entries that say so, None while open."""

    entry: Entry
    due_at: dt.datetime
    answer: Entry | None
    arrival: Entry | None

    def is_late(self, at: dt.datetime) -> bool:
        """Whether the answer is overdue at a moment."""
        return self.answer is None and at > self.due_at


def requests(log: Iterable[Entry]) -> list[Request]:
    """Every request for help, the oldest first, with its answer and arrival.

    An answer and an arrival belong to the oldest request to the same helper that has none.
    """
    found: list[Request] = []
    for entry in log:
        helper = entry.facts.get("helper")
        if entry.move == "ask_help":
            due = entry.at + dt.timedelta(minutes=ANSWER_MINUTES)
            found.append(Request(entry, due, None, None))
        if "corrects" in entry.facts:
            continue
        same = [n for n, one in enumerate(found) if one.entry.facts["helper"] == helper]
        if entry.move == "answer_help":
            for n in [n for n in same if found[n].answer is None][:1]:
                found[n] = replace(found[n], answer=entry)
        elif entry.move == "note_arrival":
            for n in [n for n in same if found[n].arrival is None][:1]:
                found[n] = replace(found[n], arrival=entry)
    return found


@dataclass(frozen=True)
class Interval:
    """How long something took. name: one of INTERVALS."""

    name: str
    begin: Entry
    end: Entry

    @property
    def minutes(self) -> int:
        """Whole minutes."""
        return round((self.end.at - self.begin.at).total_seconds() / 60)


# From the first entry of one sort to the first of the other after it.
INTERVALS = (
    ("declared", "propose", "take_command"),
    ("asked", "note_breach", "ask_help"),
    ("answered", "ask_help", "answer_help"),
    ("arrived", "ask_help", "note_arrival"),
    ("reported", "take_command", "report_situation"),
    ("filled", "note_breach", "note_filling"),
    ("ended", "take_command", "stand_down"),
)


def intervals(log: Iterable[Entry]) -> list[Interval]:
    """How long each part of a response took, read from the log; parts not come to are left out."""
    entries = list(log)
    found = []
    for name, first, then in INTERVALS:
        begin = next((one for one in entries if one.move == first), None)
        end = next(
            (o for o in entries if begin and o.move == then and o.number > begin.number), None
        )
        if begin is not None and end is not None:
            found.append(Interval(name, begin, end))
    return found


def next_stage(log: Iterable[Entry], ended: bool) -> str:
    """The stage of the report that comes next; "" after the final one.

    ended: whether the response has ended, after which the next report is the final one.
    """
    stages = [entry.facts["stage"] for entry in log if entry.move == "report_situation"]
    if "final" in stages:
        return ""
    if not stages:
        return "first"
    return "final" if ended else "follow_up"


def is_drill(log: Iterable[Entry]) -> bool:
    """Whether it is an exercise: said once, when it was proposed."""
    return any(entry.move == "propose" and entry.facts.get("drill") for entry in log)


def check_correction(log: Iterable[Entry], move: str, number: int) -> None:
    """Refuses a correction of an entry that is not there, or of another sort."""
    if not any(entry.number == number and entry.move == move for entry in log):
        raise Refused(
            _("Entry %(number)d is none of this sort. Please look up its number in the log.")
            % {"number": number}
        )


def situation(log: Iterable[Entry], readings: Iterable[Reading], at: dt.datetime) -> Situation:
    """What the log and the gauge say at a moment, every number with its source.

    The change of level is counted from the last reading before the newest breach; people are those
    whom the answers to requests named, households the sum of all evacuations. Metres and counts;
    the filled share from 0 to 1.
    """
    known = standing(log, at)
    breach = _last(known, "note_breach")
    filling = _last(known, "note_filling")
    return Situation(
        at,
        Sourced(breach.facts["metres"], (breach.number,)) if breach else None,
        _sum(known, "answer_help", "people"),
        Sourced(Fraction(filling.facts["filled"]), (filling.number,)) if filling else None,
        _change(readings, breach.at, at) if breach else None,
        _sum(known, "note_evacuation", "households"),
    )


def check_report(known: Situation, log: Iterable[Entry], stage: str) -> None:
    """Refuses a report without a number that has a source, and stages out of their order."""
    if not known.known:
        raise Refused(
            _("No number has a source yet. Please note a breach, help or an evacuation first.")
        )
    stages = [entry.facts["stage"] for entry in log if entry.move == "report_situation"]
    if stage == "first" and stages:
        raise Refused(_("There is a first report already. Please send a follow-up."))
    if stage != "first" and not stages:
        raise Refused(_("There is no first report yet. Please send it first."))
    if "final" in stages:
        raise Refused(_("The final report is sent. Please correct it by a note in the log."))


def _last(known: list[Entry], move: str) -> Entry | None:
    return next((entry for entry in reversed(known) if entry.move == move), None)


def _sum(known: list[Entry], move: str, name: str) -> Sourced | None:
    found = [entry for entry in known if entry.move == move]
    if not found:
        return None
    return Sourced(sum(e.facts[name] for e in found), tuple(e.number for e in found))


def _change(readings: Iterable[Reading], since: dt.datetime, until: dt.datetime) -> Sourced | None:
    seen = sorted((one for one in readings if one.at <= until), key=lambda one: one.at)
    before = [one for one in seen if one.at <= since]
    if not before or seen[-1] == before[-1]:
        return None
    return Sourced(seen[-1].metres - before[-1].metres, (), (before[-1], seen[-1]))
