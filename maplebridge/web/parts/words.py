"""How states, clocks, times and units are said on a page: a sign, a tone and words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case
from maplebridge.lib import clock
from maplebridge.organisation.skeleton import LINES
from maplebridge.organisation.units import UnknownUnit, directory

SOON = dt.timedelta(hours=4)
# State name → (tone, icon). A state of an application not named here takes the plain sign.
STATE_SIGNS = {
    "reported": ("amber", "inbox"),
    "need_info": ("amber", "chat"),
    "accepted": ("water", "check"),
    "filed": ("water", "note"),
    "dispatched": ("water", "send"),
    "handling": ("maple", "hand"),
    "suspended": ("stone", "pause"),
    "feedback": ("water", "eye"),
    "verified": ("jade", "check"),
    "unanswered": ("amber", "inbox"),
    "answered": ("jade", "chat"),
    "stopped": ("stone", "stop"),
    "closed": ("jade", "done"),
    "archived": ("jade", "done"),
    "declined": ("stone", "stop"),
    "merged": ("stone", "swap"),
    "voided": ("stone", "stop"),
}


@dataclass(frozen=True)
class Sign:
    """A small label: its words, tone (a colour with a meaning) and icon."""

    words: str
    tone: str
    icon: str
    at: dt.datetime | None = None


def line_name(code: str) -> str:
    """A line (条线) in the reader's language; a city's own line by its code."""
    chinese, english, _kind = LINES.get(code, (code, code, None))
    return chinese if reads_chinese() else english


def reads_chinese() -> bool:
    """Whether the reader's language is Chinese."""
    return (get_language() or "zh").startswith("zh")


def unit_name(code: str) -> str:
    """A unit's name in the reader's language; its code when no unit in force has it."""
    try:
        unit = directory().unit(code)
    except UnknownUnit:
        return code
    return unit.name if reads_chinese() or not unit.name_en else unit.name_en


def state_sign(case: Case) -> Sign:
    """The state of a case as a label."""
    tone, icon = STATE_SIGNS.get(case.state, ("jade", "done") if case.ended else ("water", "info"))
    return Sign(str(case.now.label), tone, icon)


def spell(length: dt.timedelta) -> str:
    """A length of time in its one fitting unit, rounded down: 40 minutes, 3 hours, 5 days."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    if minutes < 48 * 60:
        hours = minutes // 60
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    days = minutes // (24 * 60)
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def tells_only_its_state(own: Case, shown: Case) -> bool:
    """Whether a reporter's matter goes on in somebody else's confidential case."""
    return shown.pk != own.pk and shown.confidentiality == Confidentiality.C2


def clock_sign(case: Case, at: dt.datetime) -> Sign | None:
    """The case's next clock as a label, or None when none runs.

    Tone and icon follow how it stands: overdue, due within four hours, in time, standing still.
    """
    if case.ended or case.due_at is None:
        return None
    if case.due_clock and case.now.pauses == case.due_clock:
        return Sign(_("Clock paused"), "stone", "pause", case.due_at)
    return due_sign(case.due_at, at)


def due_sign(due_at: dt.datetime, at: dt.datetime) -> Sign:
    """A running clock as a label: overdue, due within four hours, or in time."""
    if due_at < at:
        words = _("Overdue by %(time)s") % {"time": spell(at - due_at)}
        return Sign(words, "crimson", "overdue", due_at)
    words = _("%(time)s left") % {"time": spell(due_at - at)}
    soon = due_at - at < SOON
    return Sign(words, "amber" if soon else "jade", "due" if soon else "clock", due_at)


def standing(case: Case, at: dt.datetime) -> str:
    """How the clock stands, as a word for rows and map signs: overdue, due, ontime, paused."""
    sign = clock_sign(case, at)
    names = {"overdue": "overdue", "due": "due", "clock": "ontime", "pause": "paused"}
    return names[sign.icon] if sign else "paused"


def when(at: dt.datetime) -> str:
    """An instant as people say it: the time for today, the date for other days."""
    local = at.astimezone(clock.CHINA)
    today = clock.now().astimezone(clock.CHINA).date()
    time = local.strftime("%H:%M")
    if local.date() == today:
        return _("today %(time)s") % {"time": time}
    if local.date() == today - dt.timedelta(days=1):
        return _("yesterday %(time)s") % {"time": time}
    if local.date() == today + dt.timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": time}
    day = date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")
    return f"{day} {time}"


def confidence(share: float) -> str:
    """How sure an automatic step was, in words."""
    if share >= 0.9:
        return _("very sure")
    if share >= 0.7:
        return _("fairly sure")
    if share >= 0.4:
        return _("not sure")
    return _("only a guess")


def first_words(text: str, most: int = 60) -> str:
    """The first line of a text, cut at a sentence end where one is near."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    if len(line) <= most:
        return line
    for stop in "。！？；":
        place = line.find(stop)
        if 8 <= place <= most:
            return line[:place]
    return line[: most - 1] + "…"
