"""Slips of one case: dispatch (交办单), supervision (督办单), hand-over to 110, 119, 120 (移交单).

No slip bears the reporter's name or telephone; that of a confidential case (C2) bears no words of
it at all and no closer place than the township.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.cases import deadlines
from maplebridge.cases.grades import Confidentiality, Duty, Progress, Supervision, Urgency
from maplebridge.cases.models import Assignment, Case, Event, Payload
from maplebridge.cases.reporters import Unreadable, without_reporter
from maplebridge.insight.paper_words import area_names, day_words, paper_of, place_words, time_words
from maplebridge.lib.clock import CHINA
from maplebridge.lib.papers import Block, Column, Facts, Note, Paper, Paragraph, Signature, Table
from maplebridge.lib.text import printable
from maplebridge.organisation.areas import Level
from maplebridge.organisation.units import directory

# Telephone numbers, identity cards, accounts: seven digits and more, however they are set apart.
LONG_NUMBER = re.compile(r"\d(?:[\s\-–—()（）.]{0,2}\d){6,}[xX]?")
KEPT_DIGITS = 3
GONE = (Progress.RETURNED, Progress.WITHDRAWN)
# The clocks a handling unit has to keep.
HANDLING_CLOCKS = ("sign", "contact", "dispose", "progress", "review")


class NoSlip(Exception):
    """The case is not in a state that has this slip; the message says why."""


@dataclass(frozen=True)
class File:
    """What a slip is made of. at: as of when. categories: names of kinds of matter, by code.

    hide: takes who reported out of a text.
    """

    case: Case
    events: list[Event]
    contents: dict[int, dict[str, Any]]
    hide: Callable[[str], str]
    assignments: list[Assignment]
    categories: Mapping[str, str]
    at: dt.datetime

    @property
    def is_secret(self) -> bool:
        """Whether words and place stay off the slip."""
        return self.case.confidentiality == Confidentiality.C2

    def last(self, move: str) -> Event | None:
        """The newest event of a move."""
        return next((event for event in reversed(self.events) if event.move == move), None)

    def words_of(self, event: Event, name: str) -> str:
        """Free words of an event, masked; empty for a confidential case."""
        if self.is_secret:
            return ""
        return self.masked(str(self.contents.get(event.sequence, {}).get(name, "")))

    def masked(self, text: str) -> str:
        """A text without long numbers and without what the reporter left as a contact."""
        return mask(self.hide(printable(text)))


def mask(text: str) -> str:
    """The text with every long number cut to its first digits."""
    return LONG_NUMBER.sub(lambda found: found[0][:KEPT_DIGITS] + "＊＊＊＊", text)


def slips_for(case: Case, assignments: list[Assignment]) -> list[str]:
    """The names of the slips that a case has now."""
    has = {
        "dispatch-slip": _lead(assignments) is not None,
        "supervision-slip": case.supervision > 0 and _answering(assignments) is not None,
        "hand-over-note": bool(case.handed_to),
    }
    return [name for name, there in has.items() if there]


def slip(
    name: str,
    case: Case,
    at: dt.datetime,
    categories: Mapping[str, str],
    read: Callable[[str], str] = str,
) -> Paper:
    """One slip of a case that the reader may see; five statements.

    read: how the reader reads the words, from `cases.reading`.
    Raises NoSlip when the case has none of that name now, or when who reported is sealed and the
    words cannot be freed of it; KeyError for an unknown name.
    """
    write = SLIPS[name]
    payloads = Payload.objects.filter(case_id=case.pk, part="words")
    try:
        hide = without_reporter(case.pk)
    except Unreadable as closed:
        raise NoSlip(str(closed)) from closed
    return write(
        File(
            case=case,
            events=list(Event.objects.filter(case_id=case.pk).order_by("sequence")),
            contents={p.sequence: p.content or {} for p in payloads},
            hide=lambda text: read(hide(text)),
            assignments=list(Assignment.objects.filter(case_id=case.pk).order_by("number")),
            categories=categories,
            at=at,
        )
    )


# -- what slips share -----------------------------------------------------------------------


def _lead(assignments: list[Assignment]) -> Assignment | None:
    live = [a for a in assignments if a.duty == Duty.LEAD and a.progress not in GONE]
    return live[-1] if live else None


def _answering(assignments: list[Assignment]) -> Assignment | None:
    asked = [a for a in assignments if a.duty == Duty.ANSWER and a.progress not in GONE]
    return asked[-1] if asked else None


def _place(file: File) -> str:
    code = file.case.area_code
    if file.is_secret:
        code = code[: int(Level.TOWNSHIP)]
    said = place_words(code, area_names([code]), code[: int(Level.CITY)])
    exact = "" if file.is_secret else file.masked(str(_first_words(file).get("place", "")))
    return "\n".join(part for part in (said, exact) if part)


def _first_words(file: File) -> dict[str, Any]:
    return file.contents.get(1, {})


def _matter(file: File) -> str:
    if file.is_secret:
        return _("Confidential (C2): the words are left out and are read in the platform only.")
    said = _first_words(file)
    parts = [str(said.get(name, "")) for name in ("title", "text")]
    return "\n".join(file.masked(part) for part in parts if part) or _("(the words were erased)")


def _about(file: File) -> list[tuple[str, str]]:
    case = file.case
    return [
        (_("Category"), file.categories.get(case.category, case.category) or _("Not sorted yet")),
        (_("Reported at"), time_words(case.opened_at)),
        (_("Place"), _place(file)),
        (_("The matter"), _matter(file)),
    ]


def _clock_rows(file: File) -> tuple[tuple[str, ...], ...]:
    """Running clocks of the handling unit, and those that begin with its signing."""
    running = [
        clock
        for clock in deadlines.clocks_of(file.case, file.events)
        if clock.ended_at is None and clock.name in HANDLING_CLOCKS
    ]
    rows = [
        (
            str(deadlines.label(clock.name)),
            clock.amount.words(),
            _("stands still") if clock.paused else time_words(clock.due_at),
            _basis(clock.amount),
        )
        for clock in running
    ]
    known = {clock.name for clock in running}
    for name in ("contact", "dispose"):
        amount = deadlines.allowed_amount(file.case, name)
        if "sign" in known and amount is not None:
            rows.append(
                (str(deadlines.label(name)), amount.words(), _("from signing"), _basis(amount))
            )
    return tuple(rows)


def _basis(amount: deadlines.Amount) -> str:
    if not amount.clause:
        return _("City's own limit")
    return amount.clause if amount.checked else _("%(clause)s (unchecked)") % {
        "clause": amount.clause
    }  # fmt: skip


def _clock_table(rows: tuple[tuple[str, ...], ...]) -> Table:
    return Table(
        _("Time limits"),
        (
            Column(_("Clock"), 1.4),
            Column(_("Allowed"), 1.2),
            Column(_("Due"), 1.6),
            Column(_("Basis"), 2.4),
        ),
        rows,
        (_("As of the data time. Pauses and extensions are counted in."),),
        _("No clock runs."),
    )


def _names(codes: list[str]) -> str:
    units = directory()
    return _(", ").join(units.name_of(code) for code in codes) or "—"


def _note() -> Note:
    return Note(
        _(
            "The reporter's name and telephone are not on this paper; who handles the case finds "
            "them in the platform."
        )
    )


def _day(file: File) -> str:
    return day_words(file.at.astimezone(CHINA).date())


def _secret(file: File) -> str:
    return _("Confidential") if file.is_secret else ""


# -- the three ------------------------------------------------------------------------------


def _dispatch_slip(file: File) -> Paper:
    case, lead = file.case, _lead(file.assignments)
    if lead is None:
        raise NoSlip(_("No unit leads in this case now, so there is no dispatch slip."))
    sent = file.last("adjudicate") if case.ruled else file.last("dispatch")
    issuer = directory().name_of((sent.unit_code if sent else "") or case.filer_code)
    helping = [
        a.unit_code
        for a in file.assignments
        if a.duty in (Duty.ASSIST, Duty.ATTEND) and a.progress not in GONE
    ]
    remark = file.words_of(sent, "note") or file.words_of(sent, "reason") if sent else ""
    facts = [
        *_about(file),
        (_("Lead unit"), _names([lead.unit_code])),
        *([(_("Assisting"), _names(helping))] if helping else []),
        (_("Sent"), time_words(sent.at if sent else lead.since)),
        (_("Time class"), case.sla_class),
        (_("Urgency"), str(Urgency(case.urgency).label)),
    ]
    if remark:
        facts.append((_("Remark"), remark))
    blocks: list[Block] = [
        Paragraph(
            _("%(unit)s: the matter below is yours to handle. Sign for it, handle it within the "
              "time limits, and report the result in the platform. If it is not yours, return it "
              "there with the ground and the unit whose it is.")
            % {"unit": directory().name_of(lead.unit_code)},
            indented=False,
        ),
        Facts(tuple(facts)),
        _clock_table(_clock_rows(file)),
        _note(),
        Signature(issuer, _day(file), (_("Sent by"), _("Signed for by"), _("At"))),
    ]  # fmt: skip
    return paper_of(
        _("Dispatch slip"), issuer, blocks, file.at, number=case.number, mark=_secret(file)
    )


def _supervision_slip(file: File) -> Paper:
    case, share = file.case, _answering(file.assignments)
    ordered = file.last("supervise")
    if not case.supervision or share is None or ordered is None:
        raise NoSlip(_("This case is not under supervision, so there is no supervision slip."))
    issuer = directory().name_of(ordered.unit_code or share.asked_by)
    reason = file.words_of(ordered, "reason") or _("Read in the platform.")
    replies = [
        event
        for event in file.events
        if event.sequence > ordered.sequence
        and event.move in ("note_supervision", "answer_supervision")
    ]
    kind = case.pinned_kind
    facts = [
        *_about(file),
        (_("Supervised unit"), _names([share.unit_code])),
        (
            _("Ordered"),
            f"{Supervision(case.supervision).label}　{time_words(ordered.at)}",
        ),
        (_("Reason"), reason),
        (_("State"), str(case.now.label)),
        (
            deadlines.label(share.due_clock) if share.due_clock else _("Answer the supervision"),
            _("by %(at)s") % {"at": time_words(share.due_at)} if share.due_at else _("answered"),
        ),
    ]
    for event in replies:
        declared = kind.move(event.move)
        said = file.words_of(event, "answer") or file.words_of(event, "note")
        facts.append(
            (
                str(declared.label) if declared else event.move,
                "\n".join(part for part in (time_words(event.at), said) if part),
            )
        )
    blocks: list[Block] = [
        Paragraph(
            _("%(unit)s: the handling of the matter below is under supervision. Take note of it, "
              "say by the time given what was done and what remains, and finish the work. This "
              "concerns the unit, not a person.")
            % {"unit": directory().name_of(share.unit_code)},
            indented=False,
        ),
        Facts(tuple(facts)),
        _clock_table(_clock_rows(file)),
        _note(),
        Signature(issuer, _day(file), (_("Ordered by"), _("Received by"), _("At"))),
    ]  # fmt: skip
    return paper_of(
        _("Supervision slip"), issuer, blocks, file.at, number=case.number, mark=_secret(file)
    )


def _hand_over_note(file: File) -> Paper:
    case, handed = file.case, file.last("hand_off")
    if handed is None or not case.handed_to:
        raise NoSlip(_("This case was not handed to 110, 119 or 120, so there is no such note."))
    issuer = directory().name_of(handed.unit_code or case.unit_code)
    service = str(handed.facts.get("service", case.handed_to))
    receipts = [
        event
        for event in file.events
        if event.move == "note_receipt" and event.facts.get("service") == service
    ]
    facts = [
        *_about(file),
        (_("Handed to"), service),
        (_("Handed over"), time_words(handed.at)),
    ]
    if case.lon is not None and case.lat is not None and not file.is_secret:
        facts.append((_("Coordinates"), f"{case.lon:.6f}, {case.lat:.6f} (WGS-84)"))
    if remark := file.words_of(handed, "note"):
        facts.append((_("Remark"), remark))
    facts += [
        (
            _("Their number"),
            _("%(receipt)s, noted %(at)s")
            % {"receipt": event.facts.get("receipt", "—"), "at": time_words(event.at)},
        )
        for event in receipts
    ]
    if not receipts:
        facts.append((_("Their number"), _("not noted yet")))
    facts.append((_("Reached through"), _names([case.unit_code])))
    blocks: list[Block] = [
        Paragraph(
            _("%(service)s: the matter below falls to you and was handed over at the time given. "
              "Please give the number under which you took it. The case stays open with us until "
              "then; the reporter is reached through the unit named.")
            % {"service": service},
            indented=False,
        ),
        Facts(tuple(facts)),
        _note(),
        Signature(issuer, _day(file), (_("Handed over by"), _("Taken by"), _("At"))),
    ]  # fmt: skip
    return paper_of(
        _("Hand-over note"), issuer, blocks, file.at, number=case.number, mark=_secret(file)
    )


SLIPS: dict[str, Callable[[File], Paper]] = {
    "dispatch-slip": _dispatch_slip,
    "supervision-slip": _supervision_slip,
    "hand-over-note": _hand_over_note,
}
SLIP_LABELS = {
    "dispatch-slip": _l("Dispatch slip"),
    "supervision-slip": _l("Supervision slip"),
    "hand-over-note": _l("Hand-over note"),
}
