"""What the words of a manifest do: one function for each guard and each effect.

A guard returns a sentence when the move may not be made now, else None. An effect changes the
case and its assignments in memory; `engine` writes them. Neither reads or writes a table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from maplebridge.cases.grades import (
    GONE,
    LIVE,
    Confidentiality,
    Duty,
    Progress,
    Supervision,
    Urgency,
)
from maplebridge.cases.kinds import Effect, Guard, Move
from maplebridge.cases.models import Assignment, Case
from maplebridge.cases.permissions import has_in_sight
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.people import Actor, Role, Tier
from maplebridge.organisation.units import DISCIPLINE, POLICE, ROOMS, Directory

REOPEN_DAYS = 7
REVIEW_DAYS = 30
RETURNS_BEFORE_RULING = 2
# The question left to a person after an automatic step named the unit complained about.
ABOUT = "about"
# Lines of the organs that receive sealed leads.
ORGANS = frozenset({POLICE, DISCIPLINE})


@dataclass
class Step:
    """One move being made: what it starts from and what it changes.

    due: when a clock that has not ended is due. allows: how much the case's class allows a clock.
    """

    case: Case
    move: Move
    actor: Actor
    facts: dict[str, Any]
    at: dt.datetime
    units: Directory
    assignments: list[Assignment]
    due: Callable[[str], dt.datetime | None] = lambda _clock: None
    allows: Callable[[str], int] = lambda _clock: 1
    changed: list[Assignment] = field(default_factory=list)

    def assign(self, unit_code: str, duty: str) -> None:
        """Gives a unit a share, asked for by the actor's unit."""
        fresh = Assignment(
            case_id=self.case.pk,
            number=len(self.assignments) + 1,
            area_code=self.case.area_code,
            unit_code=unit_code,
            duty=duty,
            progress=Progress.TO_SIGN,
            since=self.at,
            asked_by=self.actor.unit_code,
        )
        self.assignments.append(fresh)
        self.changed.append(fresh)

    def share(self, *duties: str) -> Assignment | None:
        """The newest open share with one of the duties."""
        return next(reversed(self.live(*duties)), None)

    def live(self, *duties: str) -> list[Assignment]:
        """The open shares with one of the duties, oldest first."""
        return [a for a in self.assignments if a.duty in duties and a.progress in LIVE]

    def finish(self, progress: str, *duties: str) -> None:
        """Moves every open share of the actor's unit with one of the duties on."""
        for share in self.live(*duties):
            if share.unit_code == self.actor.unit_code:
                self.progress(share, progress)

    def ask(self, unit_code: str, duty: str) -> None:
        """Asks a unit, unless it owes the same already."""
        if all(share.unit_code != unit_code for share in self.live(duty)):
            self.assign(unit_code, duty)

    def share_for_reading(self, unit_code: str) -> None:
        """Lets a unit go on reading the case, whatever becomes of its other shares."""
        if not any(a.unit_code == unit_code and a.duty == Duty.READ for a in self.assignments):
            self.assign(unit_code, Duty.READ)
            self.progress(self.assignments[-1], Progress.READ)

    def progress(self, share: Assignment | None, progress: str) -> None:
        """Moves a share on."""
        if share is not None:
            share.progress = progress
            share.since = self.at
            share.ended_at = None if progress == Progress.HANDLING else self.at
            self.changed.append(share)

    def is_kept_out(self, unit_code: str) -> bool:
        """Whether the case complains about the unit, or about one above it."""
        return self.units.is_kept_out(unit_code, self.case.about_unit)

    def filing_room(self) -> str:
        """The room that filed the case; for none, or one that is gone, the township's."""
        filer = self.case.filer_code
        if filer in self.units and not self.is_kept_out(filer):
            return filer
        return self.room_of(Tier.TOWN)

    def room_of(self, lowest: Tier) -> str:
        """The room of the case's area, of that tier or above, that is not complained about."""
        return self._apart(self.units.room_of(self.case.area_code, lowest).code)

    def room_above(self) -> str:
        """The room above the accountable unit; the city centre's own at the top."""
        if self.case.unit_code not in self.units:
            return self.room_of(Tier.TOWN)
        here = self.units.unit(self.case.unit_code)
        above = (
            self.units.room_above(here.area_code)
            if here.kind in ROOMS
            else self.units.room_of(here.area_code, Tier.TOWN)
        )
        if above is None:
            return self.case.unit_code
        return self._apart(above.code)

    def _apart(self, room: str) -> str:
        """The room itself; when it is kept out, the one that stands above what is complained of."""
        if not self.is_kept_out(room):
            return room
        found = self.units.room_apart(self.case.about_unit)
        return found.code if found else self.case.unit_code

    def keep_apart(self) -> bool:
        """Takes the case out of the hands of every unit kept out of it.

        Returns whether the unit that led, or did, the work was among them.
        """
        case = self.case
        if not case.about_unit:
            return False
        led = self.share(Duty.LEAD)
        taken = led is not None and self.is_kept_out(led.unit_code)
        for share in self.assignments:
            if share.progress not in GONE and self.is_kept_out(share.unit_code):
                self.progress(share, Progress.WITHDRAWN)
        if self.is_kept_out(case.filer_code):
            case.filer_code = self._apart(case.filer_code)
        if self.is_kept_out(case.unit_code):
            case.unit_code = self._apart(case.unit_code)
        if self.is_kept_out(case.suggested_unit):
            case.suggested_unit = ""
        return taken or (led is None and self.is_kept_out(case.handler_unit))


# What must be done or withdrawn before a case may end; the lead's part ends with its feedback.
OWED = (Duty.ASSIST, Duty.ATTEND, Duty.ADVISE, Duty.ANSWER, Duty.RECEIVE)
Said = str | None


def _placed(step: Step) -> Said:
    return None if len(step.case.area_code) >= 9 else _("Say first in which township it lies.")


def _classified(step: Step) -> Said:
    return None if step.case.category else _("Say first what kind of matter it is.")


def _on_the_spot(step: Step) -> Said:
    if step.case.sla_class == "S2":
        return None
    return _("Only matters of class S2 may be closed on the spot.")


def _once_asked(step: Step) -> Said:
    asked = step.case.question_count
    return _("The reporter has been asked once already.") if asked else None


def _names(step: Step, shares: list[Assignment]) -> str:
    return ", ".join(step.units.name_of(code) for code in sorted({a.unit_code for a in shares}))


def _assists_done(step: Step) -> Said:
    waiting = step.live(Duty.ASSIST, Duty.ATTEND)
    if waiting:
        return _("Assisting units have not reported yet: %(units)s.") % {
            "units": _names(step, waiting)
        }
    return None


def _shares_done(step: Step) -> Said:
    waiting = step.live(*OWED)
    if waiting:
        return _(
            "These units still owe their part, or the asking must be withdrawn: %(units)s."
        ) % {"units": _names(step, waiting)}
    return None


def _to_rate(step: Step) -> list[Assignment]:
    """Shares of summoned units that have reported and that the actor's unit has yet to rate."""
    return [
        a
        for a in step.assignments
        if a.duty == Duty.ATTEND
        and a.progress == Progress.DONE
        and a.rating is None
        and a.asked_by == step.actor.unit_code
    ]


def _attended(step: Step) -> Said:
    waiting = _to_rate(step)
    if not waiting:
        return _("No unit that we summoned has reported its share done and is still unrated.")
    chosen = step.facts.get("rated_unit")
    if chosen is not None and all(a.unit_code != chosen for a in waiting):
        return _("Only these units can be rated now: %(units)s.") % {"units": _names(step, waiting)}
    return None


def _consulting(step: Step) -> Said:
    if _consulted(step):
        return None
    return _("No unit has been asked for advice; call the consultation first.")


def _consulted(step: Step) -> list[Assignment]:
    open_or_given = (Progress.TO_SIGN, Progress.DONE)
    return [a for a in step.assignments if a.duty == Duty.ADVISE and a.progress in open_or_given]


def _handed_over(step: Step) -> Said:
    waiting = {a.unit_code for a in step.live(Duty.RECEIVE)}
    chosen = step.facts.get("service")
    if (chosen is None and waiting) or chosen in waiting:
        return None
    return _("No hand-over waits for a receipt of that service.")


def _ours_to_withdraw(step: Step) -> Said:
    if _withdrawable(step):
        return None
    return _("Nothing is owed that we may withdraw; what a room above asked for, it withdraws.")


def _withdrawable(step: Step) -> list[Assignment]:
    """Open shares that were asked for by anyone but a room above the actor's."""
    chosen = step.facts.get("units")
    return [
        a
        for a in step.live(Duty.ASSIST, Duty.ATTEND, Duty.ADVISE, Duty.RECEIVE)
        if not _asked_from_above(step, a) and (not chosen or a.unit_code in chosen)
    ]


def _asked_from_above(step: Step, share: Assignment) -> bool:
    if share.asked_by not in step.units:
        return False
    asker = step.units.unit(share.asked_by)
    return asker.kind in ROOMS and asker.tier > step.actor.tier


def _below(step: Step) -> Said:
    chosen = step.facts.get("unit")
    if chosen is None:
        return None
    unit = step.units.unit(chosen)
    here = step.actor.area_code
    if unit.area_code.startswith(here) and len(unit.area_code) > len(here):
        if step.case.area_code.startswith(unit.area_code):
            return None
        return _("%(unit)s does not answer for the place of this case.") % {"unit": unit.name}
    return _("A matter is passed down only to a room below one's own.")


def _may_return(step: Step) -> Said:
    if step.case.ruled:
        return _("The tier above has ruled; the matter cannot be returned.")
    due = step.due("sign")
    if due is not None and step.at > due:
        return _("The time for signing is over; the matter can no longer be returned.")
    return None


def _in_ruling(step: Step) -> Said:
    if step.case.return_count >= RETURNS_BEFORE_RULING:
        return None
    return _("A ruling is given only after a second return.")


def _not_in_ruling(step: Step) -> Said:
    if step.case.return_count >= RETURNS_BEFORE_RULING and not step.case.ruled:
        return _("It was returned twice: the tier above must rule.")
    return None


def _may_extend(step: Step) -> Said:
    if step.case.extension:
        return _("An extension may be asked for once.")
    if not step.allows("extend"):
        return _("Matters of this class cannot be extended.")
    due = step.due("dispose")
    if due is not None and step.at > due:
        return _("An extension must be asked for before the time is over.")
    return None


def _extension_asked(step: Step) -> Said:
    if step.case.extension != "asked":
        return _("No extension has been asked for.")
    if step.case.sla_class == "S5" and step.actor.tier < Tier.COUNTY:
        return _("The county decides on extensions of complex matters.")
    return None


def _review_within_30_days(step: Step) -> Said:
    review = dt.date.fromisoformat(step.facts["review_on"])
    today = step.at.astimezone(CHINA).date()
    if today < review <= today + dt.timedelta(days=REVIEW_DAYS):
        return None
    return _("The review date must lie within the next 30 days.")


def _higher_level(step: Step) -> Said:
    if int(step.facts["supervision"]) > step.case.supervision:
        return None
    return _("Supervision may only be raised.")


def _supervised(step: Step) -> Said:
    if not step.case.supervision:
        return _("The case is not supervised.")
    if step.actor.tier < step.case.supervision_tier:
        return _("Only the tier that supervises, or one above it, may end this.")
    return None


def _tier_above(step: Step) -> Said:
    if step.room_above() != step.case.unit_code:
        return None
    return _("There is no tier above; the city centre decides.")


def _reopen_window(step: Step) -> Said:
    if step.actor.role != Role.RESIDENT:
        return None
    if step.case.reopen_count:
        return _("It was reopened once already; ask the supervisor.")
    closed = step.case.closed_at
    if closed is None or step.at > closed + dt.timedelta(days=REOPEN_DAYS):
        return _("A reporter may reopen within 7 days of the closing.")
    return None


def _one_appeal(step: Step) -> Said:
    case = step.case
    if case.appeal_count:
        return _("One objection has been decided already.")
    if case.closed_at is not None and not case.reopen_count:
        return _("It can still be reopened; only after that may you object.")
    if case.closed_at is not None and step.at > case.closed_at + dt.timedelta(days=REOPEN_DAYS):
        return _("A reporter may object within 7 days of the closing.")
    return None


def _unrated(step: Step) -> Said:
    return _("It has been rated already.") if step.case.rating is not None else None


def _not_itself(step: Step) -> Said:
    if UUID(str(step.facts["into"])) == step.case.pk:
        return _("A case cannot be merged into itself.")
    return None


def _in_reach(step: Step) -> Said:
    if step.actor.tier == Tier.CITY:
        return None
    here = step.case.area_code
    for code in [*step.facts.get("units", []), *filter(None, [step.facts.get("unit")])]:
        there = step.units.unit(code).area_code
        if not (there.startswith(here[:6]) or here.startswith(there)):
            return _("%(unit)s answers for another county; only the city can send it there.") % {
                "unit": step.units.name_of(code)
            }
    return None


def _not_confidential(step: Step) -> Said:
    if step.case.confidentiality == Confidentiality.C2:
        return _("A confidential matter is not copied; its handlers alone see it.")
    return None


def _in_sight(step: Step) -> Said:
    """Who is named in passing learns nothing that it could not read before."""
    for code in step.facts.get("units", []):
        unit = step.units.unit(code)
        seen = has_in_sight(unit.code, unit.kind, unit.area_code, step.case, step.assignments)
        if not seen or step.is_kept_out(code):
            return _(
                "%(unit)s does not see this case; a room can send it a copy or ask it to help."
            ) % {"unit": step.units.name_of(code)}
    return None


def _apart(step: Step) -> Said:
    """Neither who acts nor who is chosen may be kept out of the matter."""
    chosen = [step.facts.get(name) for name in ("unit", "suggested_unit", "suggested")]
    codes = [step.actor.unit_code, *filter(None, chosen), *step.facts.get("units", [])]
    if any(step.is_kept_out(str(code)) for code in codes):
        return _("Units that this matter may be about have no part in it.")
    return None


def _somebody_else(step: Step) -> Said:
    about = step.facts.get("about")
    if about is None or step.units.room_apart(about) is not None:
        return None
    return _("No other unit is there to take it: enter the city's discipline organ first.")


def _about_somebody(step: Step) -> Said:
    return None if step.case.about_unit else _("It complains about no unit.")


def _about_asked(step: Step) -> Said:
    asked = step.case.about_unit and ABOUT in step.case.asks
    return None if asked else _("Nothing waits for your confirmation.")


def _receiving_organ(step: Step) -> Said:
    unit = step.units.unit(step.facts["organ"])
    if unit.line not in ORGANS:
        return _("%(unit)s does not receive leads.") % {"unit": unit.name}
    if step.is_kept_out(unit.code):
        return _("Units that this matter may be about have no part in it.")
    return None


def _not_yet_opened(step: Step) -> Said:
    lead = step.share(Duty.LEAD)
    if lead is not None and lead.progress == Progress.TO_SIGN:
        return None
    return _("It was opened already; it can be read once.")


def _already_opened(step: Step) -> Said:
    lead = step.share(Duty.LEAD)
    if lead is not None and lead.progress == Progress.HANDLING:
        return None
    return _("Open and read it first; then confirm the receipt.")


GUARDS: dict[Guard, Callable[[Step], Said]] = {
    Guard.APART: _apart,
    Guard.SOMEBODY_ELSE: _somebody_else,
    Guard.ABOUT_SOMEBODY: _about_somebody,
    Guard.ABOUT_ASKED: _about_asked,
    Guard.RECEIVING_ORGAN: _receiving_organ,
    Guard.NOT_YET_OPENED: _not_yet_opened,
    Guard.ALREADY_OPENED: _already_opened,
    Guard.PLACED: _placed,
    Guard.CLASSIFIED: _classified,
    Guard.ON_THE_SPOT: _on_the_spot,
    Guard.ONCE_ASKED: _once_asked,
    Guard.ASSISTS_DONE: _assists_done,
    Guard.SHARES_DONE: _shares_done,
    Guard.ATTENDED: _attended,
    Guard.CONSULTING: _consulting,
    Guard.HANDED_OVER: _handed_over,
    Guard.OURS_TO_WITHDRAW: _ours_to_withdraw,
    Guard.BELOW: _below,
    Guard.MAY_RETURN: _may_return,
    Guard.NOT_IN_RULING: _not_in_ruling,
    Guard.IN_RULING: _in_ruling,
    Guard.MAY_EXTEND: _may_extend,
    Guard.EXTENSION_ASKED: _extension_asked,
    Guard.REVIEW_WITHIN_30_DAYS: _review_within_30_days,
    Guard.HIGHER_LEVEL: _higher_level,
    Guard.SUPERVISED: _supervised,
    Guard.TIER_ABOVE: _tier_above,
    Guard.REOPEN_WINDOW: _reopen_window,
    Guard.ONE_APPEAL: _one_appeal,
    Guard.UNRATED: _unrated,
    Guard.NOT_ITSELF: _not_itself,
    Guard.IN_REACH: _in_reach,
    Guard.NOT_CONFIDENTIAL: _not_confidential,
    Guard.IN_SIGHT: _in_sight,
}

# What the automatic steps, or the person who overrules them, may set.
JUDGED = (
    "area_code",
    "category",
    "line",
    "nature",
    "confidentiality",
    "sla_class",
    "suggested_unit",
    "asks",
    "urgency",
)


def _triage(step: Step) -> None:
    for name in JUDGED:
        if name in step.facts:
            setattr(step.case, name, step.facts[name])
    if "unit" in step.facts and step.case.state == "reported":
        step.case.unit_code = step.facts["unit"]
    if step.facts.get("about"):
        step.case.about_unit = step.facts["about"]
    step.keep_apart()


def _ask(step: Step) -> None:
    step.case.question_count += 1


def _assign_lead(step: Step) -> None:
    unit = step.facts["unit"]
    step.progress(step.share(Duty.LEAD), Progress.RETURNED)
    step.assign(unit, Duty.LEAD)
    step.case.unit_code = unit
    step.case.extension = ""


def _assign_assist(step: Step) -> None:
    taken = {a.unit_code for a in step.live(Duty.LEAD, Duty.ASSIST, Duty.ATTEND)}
    for unit in step.facts.get("units", []):
        if unit not in taken:
            step.assign(unit, Duty.ASSIST)


def _asks(duty: str) -> Callable[[Step], None]:
    def ask(step: Step) -> None:
        for unit in step.facts.get("units", []):
            step.ask(unit, duty)

    return ask


def _finishes(progress: str, *duties: str) -> Callable[[Step], None]:
    return lambda step: step.finish(progress, *duties)


def _rate_unit(step: Step) -> None:
    for share in _to_rate(step):
        if share.unit_code == step.facts["rated_unit"]:
            share.rating = int(step.facts["rating"])
            step.changed.append(share)


def _conclude(step: Step) -> None:
    for share in _consulted(step):
        given = share.progress == Progress.DONE
        step.progress(share, Progress.READ if given else Progress.WITHDRAWN)


def _note_receipt(step: Step) -> None:
    for share in step.live(Duty.RECEIVE):
        if share.unit_code == step.facts["service"]:
            step.progress(share, Progress.DONE)


def _withdraw(step: Step) -> None:
    for share in _withdrawable(step):
        step.progress(share, Progress.WITHDRAWN)


def _delegate(step: Step) -> None:
    step.share_for_reading(step.case.unit_code)
    step.case.unit_code = step.facts["unit"]
    step.case.filer_code = ""


def _sign(step: Step) -> None:
    step.progress(step.share(Duty.LEAD), Progress.HANDLING)


def _return(step: Step) -> None:
    step.progress(step.share(Duty.LEAD), Progress.RETURNED)
    case = step.case
    case.return_count += 1
    case.unit_code = step.filing_room()
    below = step.units.unit(case.unit_code).tier < Tier.COUNTY
    if case.return_count >= RETURNS_BEFORE_RULING and below:
        case.unit_code = step.room_of(Tier.COUNTY)


def _rule(step: Step) -> None:
    step.case.ruled = True


def _finish_lead(step: Step) -> None:
    case = step.case
    step.progress(step.share(Duty.LEAD), Progress.DONE)
    case.handler_id = step.actor.account_id
    case.handler_unit = step.actor.unit_code
    case.filer_code = case.unit_code = step.filing_room()
    if case.handler_unit == case.unit_code:  # nobody there may verify it
        case.unit_code = step.room_above()


def _rework(step: Step) -> None:
    case = step.case
    case.rework_count += 1
    case.extension = ""
    lead = next(
        (
            a
            for a in reversed(step.assignments)
            if a.duty == Duty.LEAD
            and a.unit_code == case.handler_unit
            and a.progress != Progress.RETURNED
        ),
        None,
    )
    if lead is None:  # closed on the spot: whoever did it does it again
        step.assign(case.handler_unit, Duty.LEAD)
        lead = step.assignments[-1]
    step.progress(lead, Progress.HANDLING)
    case.unit_code = lead.unit_code


def _escalate(step: Step) -> None:
    case = step.case
    above = step.room_above()
    step.progress(step.share(Duty.LEAD), Progress.RETURNED)
    if case.unit_code in step.units and not case.ended:
        step.share_for_reading(case.unit_code)
    case.unit_code = above


def _appeal(step: Step) -> None:
    step.case.appeal_count += 1
    _begin_anew(step.case)
    _escalate(step)


def _file(step: Step) -> None:
    step.case.filer_code = step.actor.unit_code
    step.case.unit_code = step.actor.unit_code


def _take(step: Step) -> None:
    step.case.unit_code = step.actor.unit_code


def _call_back(step: Step) -> None:
    step.progress(step.share(Duty.LEAD), Progress.RETURNED)
    _file(step)


def _back_to_filer(step: Step) -> None:
    case = step.case
    case.unit_code = step.room_of(Tier.COUNTY) if case.supervision else step.filing_room()


def _close(step: Step) -> None:
    step.case.closed_at = step.at
    step.case.rating = step.case.solved = None  # a twin's reporter may have rated other work


def _reopen(step: Step) -> None:
    case = step.case
    case.reopen_count += 1
    _begin_anew(case)
    case.unit_code = case.filer_code = step.filing_room()


def _begin_anew(case: Case) -> None:
    """Forgets what was said of the work before; the events keep it."""
    case.closed_at = case.rating = case.solved = None
    case.return_count = 0
    case.ruled = False
    case.extension = ""


def _ask_extension(step: Step) -> None:
    step.case.extension = "asked"


def _answer_extension(step: Step) -> None:
    step.case.extension = step.facts["extension"] = (
        "granted" if step.facts["granted"] else "refused"
    )


def _supervise(step: Step) -> None:
    step.case.supervision = Supervision(int(step.facts["supervision"]))
    step.case.supervision_tier = max(step.case.supervision_tier, int(step.actor.tier))
    for share in step.live(Duty.ANSWER):
        step.progress(share, Progress.WITHDRAWN)
    step.assign(step.case.unit_code, Duty.ANSWER)


def _release(step: Step) -> None:
    step.case.supervision = Supervision.NONE
    step.case.supervision_tier = 0
    for share in step.live(Duty.ANSWER):
        step.progress(share, Progress.WITHDRAWN)


def _hand_off(step: Step) -> None:
    step.case.handed_to = step.facts["service"]
    step.ask(step.facts["service"], Duty.RECEIVE)


def _name_unit(step: Step) -> None:
    case, move = step.case, step.move
    case.about_unit = step.facts["about"]
    if step.keep_apart() and move.taken is not None and case.state in move.taken_from:
        case.state = move.taken
        case.extension = ""


def _confirm_unit(step: Step) -> None:
    step.case.asks = [ask for ask in step.case.asks if ask != ABOUT]


def _clear_unit(step: Step) -> None:
    step.case.about_unit = ""
    _confirm_unit(step)


def _seal_over(step: Step) -> None:
    """The receiving organ alone keeps it; everybody else's share and sight end."""
    case = step.case
    for share in step.assignments:
        if share.progress not in GONE:
            step.progress(share, Progress.WITHDRAWN)
    # What the reporter adds later goes to the organ that has the matter.
    case.handed_to = step.facts.setdefault("service", case.handed_to)
    case.unit_code = step.facts.get("organ", case.unit_code)
    step.assign(case.unit_code, Duty.LEAD)
    case.confidentiality = Confidentiality.C2
    case.filer_code = case.suggested_unit = case.extension = ""
    case.asks = []
    case.supervision, case.supervision_tier = Supervision.NONE, 0


def _open_seal(step: Step) -> None:
    step.progress(step.share(Duty.LEAD), Progress.HANDLING)


def _destroy_seal(step: Step) -> None:
    step.progress(step.share(Duty.LEAD), Progress.DONE)


def _unseal(step: Step) -> None:
    """The organ gives it back: a person sorts it anew, and until then it stays confidential."""
    case = step.case
    step.progress(step.share(Duty.LEAD), Progress.RETURNED)
    case.category = case.handed_to = ""
    case.asks = ["kind"]
    case.unit_code = step.room_of(Tier.TOWN)


def _expedite(step: Step) -> None:
    step.case.urgency = Urgency(step.facts["urgency"])


def _mark_legacy(step: Step) -> None:
    step.case.legacy = True


def _grade(step: Step) -> None:
    for name in ("level", "scale"):
        if step.facts.get(name):
            setattr(step.case, name, step.facts[name])


def _merge(step: Step) -> None:
    step.case.merged_into = UUID(str(step.facts["into"]))


def _unmerge(step: Step) -> None:
    step.case.merged_into = None


def _rate(step: Step) -> None:
    if "rating" in step.facts:
        step.case.rating = int(step.facts["rating"])
    if "solved" in step.facts:
        step.case.solved = bool(step.facts["solved"])


EFFECTS: dict[Effect, Callable[[Step], None]] = {
    Effect.TRIAGE: _triage,
    Effect.ASK: _ask,
    Effect.ASSIGN_LEAD: _assign_lead,
    Effect.ASSIGN_ASSIST: _assign_assist,
    Effect.SUMMON: _asks(Duty.ATTEND),
    Effect.ATTEND: _finishes(Progress.HANDLING, Duty.ATTEND),
    Effect.RATE_UNIT: _rate_unit,
    Effect.ASK_ADVICE: _asks(Duty.ADVISE),
    Effect.ADVISE: _finishes(Progress.DONE, Duty.ADVISE),
    Effect.CONCLUDE: _conclude,
    Effect.TAKE_NOTE: _finishes(Progress.HANDLING, Duty.ANSWER),
    Effect.ANSWER: _finishes(Progress.DONE, Duty.ANSWER),
    Effect.NOTE_RECEIPT: _note_receipt,
    Effect.WITHDRAW: _withdraw,
    Effect.DELEGATE: _delegate,
    Effect.KEEP_SIGHT: lambda step: step.share_for_reading(step.actor.unit_code),
    Effect.SEND_COPY: _asks(Duty.READ),
    Effect.READ_COPY: _finishes(Progress.READ, Duty.READ),
    Effect.SIGN: _sign,
    Effect.RETURN: _return,
    Effect.RULE: _rule,
    Effect.FINISH_ASSIST: _finishes(Progress.DONE, Duty.ASSIST, Duty.ATTEND),
    Effect.FINISH_LEAD: _finish_lead,
    Effect.REWORK: _rework,
    Effect.ESCALATE: _escalate,
    Effect.APPEAL: _appeal,
    Effect.FILE: _file,
    Effect.TAKE: _take,
    Effect.CALL_BACK: _call_back,
    Effect.BACK_TO_FILER: _back_to_filer,
    Effect.CLOSE: _close,
    Effect.REOPEN: _reopen,
    Effect.ASK_EXTENSION: _ask_extension,
    Effect.ANSWER_EXTENSION: _answer_extension,
    Effect.SUPERVISE: _supervise,
    Effect.RELEASE: _release,
    Effect.HAND_OFF: _hand_off,
    Effect.NAME_UNIT: _name_unit,
    Effect.CONFIRM_UNIT: _confirm_unit,
    Effect.CLEAR_UNIT: _clear_unit,
    Effect.SEAL_OVER: _seal_over,
    Effect.OPEN_SEAL: _open_seal,
    Effect.DESTROY_SEAL: _destroy_seal,
    Effect.UNSEAL: _unseal,
    Effect.EXPEDITE: _expedite,
    Effect.MARK_LEGACY: _mark_legacy,
    Effect.GRADE: _grade,
    Effect.MERGE: _merge,
    Effect.UNMERGE: _unmerge,
    Effect.RATE: _rate,
}
