"""The hotline desk (12345): one call from the first word to the receipt that is read back.

While the operator types, the caller's own matters, likely twins, the place and the category stand
beside the form, within what the gate lets the operator see. That a number was matched with a case
tells who reported it, so it is noted as such, and the reporter reads of it.
Source: GB/T 33358-2016; domain guide, 4.10.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import deadlines, engine, looks, permissions, reporters, wall
from maplebridge.cases.grades import Confidentiality, Way
from maplebridge.cases.models import Assignment, Case, Look
from maplebridge.journey import advance, classify, dedupe, intake, labels, learn
from maplebridge.journey.gazetteer import gazetteer
from maplebridge.journey.locate import is_decided, locate
from maplebridge.journey.models import Category, Step
from maplebridge.lib import clock
from maplebridge.lib.ids import query_code
from maplebridge.lib.keyring import KeyringError
from maplebridge.lib.text import fingerprint, normalise
from maplebridge.organisation import duty
from maplebridge.organisation.areas import is_within
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.web.command import rows
from maplebridge.web.parts import limits, moves
from maplebridge.web.parts.asked import form_key, move_key
from maplebridge.web.parts.desk import at_a_desk

log = logging.getLogger(__name__)
CHANNEL = "hotline"
# The six kinds of calls of GB/T 33358-2016, in its order; typed as 1 to 6.
NATURES = (
    ("consult", gettext_lazy("Enquiry")),
    ("help", gettext_lazy("Request for help")),
    ("complain", gettext_lazy("Complaint")),
    ("report", gettext_lazy("Report of a wrong")),
    ("suggest", gettext_lazy("Suggestion")),
    ("praise", gettext_lazy("Praise")),
)
NUMBERS = (
    ("110", gettext_lazy("Police 110")),
    ("119", gettext_lazy("Fire 119")),
    ("120", gettext_lazy("Ambulance 120")),
)
SAID = (
    "phone", "nature", "text", "place", "category", "name", "anonymous", "answer", "key",
    "answered_at", "waited", "about",
)  # fmt: skip
FEWEST_DIGITS = 7
FEWEST_CHARACTERS = 4
MOST_MATTERS = 6
MOST_TWINS = 5
MOST_LIKE = 60
MOST_PLACES = 8
KEPT_SECONDS = 30.0
LONGEST_WAIT = 24 * 3600
# Of the whole city, while nobody knows yet where it is, the last days are looked through.
CITYWIDE = dt.timedelta(days=7)
ENDED_LATELY = dt.timedelta(days=60)
# The same operator and the same caller within so long is one matching.
MATCHED_ONCE_IN = dt.timedelta(minutes=10)
TAKEN = "hotline_taken"
# A report that nobody has written yet has no id of its own.
UNWRITTEN = UUID(int=0)


@dataclass(frozen=True)
class Beside:
    """What stands beside the form while a call is told.

    danger: the number to call, and the words that say so. mine: whether a number was looked up.
    places: paths of areas. kinds: (code, words, how sure).
    """

    danger: str = ""
    danger_words: str = ""
    looked_up: bool = False
    matters: list[rows.Row] = field(default_factory=list)
    twins: list[rows.Row] = field(default_factory=list)
    place: str = ""
    places: list[str] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)
    nature: str = ""


def beside(actor: Actor, said: Mapping[str, str]) -> Beside:
    """Looks up what a call's words and number lead to; notes what is about to be shown.

    Stands where `at_a_desk` stands, so that every statement is behind the wall.
    """
    text, place = said.get("text", ""), normalise(said.get("place", ""))
    phone = reporters.telephone(said.get("phone", ""))
    known = gazetteer(KEPT_SECONDS)
    matters = _matters(actor, phone)
    found = Beside(looked_up=len(phone) >= FEWEST_DIGITS)
    twins: list[Case] = []
    if len(text.strip()) >= FEWEST_CHARACTERS:
        context = actor.area_code if len(actor.area_code) > len(settings.CITY_CODE) else None
        with translation.override(settings.LANGUAGE_CODE):
            where = locate(None, None, "WGS84", f"{place} {text}", context, places=known)
            kind = classify.classify_text(text, learned=labels.model())
        category = kind.value or ""
        twins = _twins(actor, text, where.value or actor.area_code, category, matters)
        found = Beside(
            danger=str(kind.evidence["handoff"]) if kind.evidence["urgent"] else "",
            danger_words="、".join(kind.evidence["danger"][:3]),
            looked_up=found.looked_up,
            place=_said(known.path(where.value)) if where.value and is_decided(where) else "",
            kinds=_kinds(kind.evidence["candidates"]),
            nature=str(kind.evidence["nature"]),
        )
    looks.note_list(actor, twins)
    shown = rows.rows_of(actor, [*matters, *twins])
    return Beside(
        **{
            **vars(found),
            "matters": shown[: len(matters)],
            "twins": shown[len(matters) :],
            "places": _places(actor, place),
        }
    )


def _matters(actor: Actor, phone: str) -> list[Case]:
    """The caller's matters that the actor may see: open ones first, then what ended lately."""
    if len(phone) < FEWEST_DIGITS:
        return []
    try:
        named = reporters.cases_of_phone(phone)
    except KeyringError as away:
        log.warning("a caller could not be looked up: %s", away)
        return []
    if not named:
        return []
    lately = clock.now() - ENDED_LATELY
    seen = Case.objects.visible_to(actor).filter(pk__in=named).exclude(
        ended=True, changed_at__lt=lately
    )  # fmt: skip
    found = list(seen.order_by("ended", "-opened_at", "id")[:MOST_MATTERS])
    _note_matched(actor, found)
    return found


def _note_matched(actor: Actor, found: list[Case]) -> None:
    """Notes for each case that its reporter's number was matched; once in ten minutes."""
    lately = Look.objects.filter(
        case_id__in=[case.pk for case in found],
        way=Way.REVEAL,
        account_id=actor.account_id,
        unit_code=actor.unit_code,
        at__gt=clock.now() - MATCHED_ONCE_IN,
    )
    noted = set(lately.values_list("case_id", flat=True)) if found else set()
    with translation.override(settings.LANGUAGE_CODE):
        reason = _("The number of a caller at the hotline was compared")
    for case in found:
        if case.pk not in noted:
            looks.note(actor, case, Way.REVEAL, reason)


def _twins(actor: Actor, text: str, area: str, category: str, without: list[Case]) -> list[Case]:
    """Cases that may tell of the same and that the actor may see; three statements at most."""
    new = dedupe.Print(UNWRITTEN, area, category, clock.now(), None, None, fingerprint(text))
    mine = {case.pk for case in without}
    span = dedupe.WITHIN if len(area) > len(settings.CITY_CODE) else CITYWIDE
    likely = dedupe.like(new, dedupe.candidates(new, span))
    near = [pk for pk in likely if pk not in mine][:MOST_LIKE]
    if not near:
        return []
    seen = Case.objects.visible_to(actor).exclude(confidentiality=Confidentiality.C2)
    found = seen.exclude(state="voided").in_bulk(near)
    return [found[pk] for pk in near if pk in found][:MOST_TWINS]


def _kinds(candidates: list[tuple[str, float]]) -> list[tuple[str, str]]:
    known = Category.objects.in_bulk([code for code, _share in candidates])
    return [(code, known[code].shown_name) for code, _share in candidates if code in known]


def _places(actor: Actor, typed: str) -> list[str]:
    """Paths of areas for what is typed of a place: those of the operator first, larger ones first.

    Names that hold what was typed; where there is none, names that stand in it.
    """
    if len(typed) < 2:
        return []
    known = gazetteer(KEPT_SECONDS)
    wanted = typed[-12:]
    found = [code for code, name in known.names.items() if wanted in name]
    if not found:
        found = [code for mention in known.mentions(typed) for code in mention.named.codes]

    def order(code: str) -> tuple[bool, bool, int, str]:
        away = not is_within(code, actor.area_code)
        return away, not known.names[code].startswith(wanted), len(code), code

    paths = (_said(known.path(code)) for code in sorted(found, key=order))
    return list(dict.fromkeys(paths))[:MOST_PLACES]


def _said(path: str) -> str:
    """A path as people say it: 社阳村, not 社阳村村民委员会."""
    return rows.COMMITTEE.sub("", path)


# -- pages -----------------------------------------------------------------------------------


def _may(actor: Actor) -> None:
    if not duty.takes_calls(actor):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def hotline(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form of a call, and the call taken; whatever is refused, every word stays in the form."""
    _may(actor)
    if request.method != "POST":
        fresh = {"key": str(uuid.uuid4()), "answered_at": clock.now().isoformat()}
        return _page(request, actor, fresh)
    said = {name: request.POST.get(name, "") for name in SAID}
    said["key"] = form_key(said)
    if "look" in request.POST:
        return _page(request, actor, said, found=beside(actor, said))
    try:
        limits.spend_report(request, actor.account_id)
        with transaction.atomic():
            taken = _take(actor, said)
    except intake.ReportRefused as refused:
        return _page(request, actor, said, refused.problems, status=422)
    except engine.FactsError as wrong:
        return _page(request, actor, said, {"answer": " ".join(wrong.problems.values())}, 422)
    except engine.Refused as refused:
        return _page(request, actor, said, {"": str(refused)}, 422)
    except limits.TooMany as full:
        waits = {"": limits.sentence(limits.REPORT_WAITS, full)}
        answer = _page(request, actor, said, waits, 429)
        answer["Retry-After"] = str(full.seconds)
        return answer
    except KeyringError as away:
        log.warning("a call could not be written: %s", away)
        answer = _page(request, actor, said, {"": _("Please send it again in a moment.")}, 503)
        answer["Retry-After"] = "20"
        return answer
    # The code stands in no address and in no row of the desk: only in the operator's own session.
    request.session[TAKEN] = {"case": str(taken.case_id), "number": taken.number}
    return HttpResponseRedirect(reverse("hotline-taken"))


@require_POST
@at_a_desk
def look_beside(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What stands beside the form, while it is typed; a part of a page."""
    _may(actor)
    said = {name: request.POST.get(name, "") for name in SAID}
    answer = render(request, "command/hotline_beside.html", {"found": beside(actor, said)})
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
@at_a_desk
def taken(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is read back to the caller: number, code, who has it, until when."""
    _may(actor)
    kept = request.session.get(TAKEN)
    if not kept:
        return HttpResponseRedirect(reverse("hotline"))
    case_id = UUID(kept["case"])
    code = query_code(settings.SECRET_KEY, case_id)
    case = Case.objects.visible_to(actor).filter(pk=case_id).first()
    shown: dict[str, Any] = {
        "here": "hotline",
        "number": kept["number"],
        "code": code,
        "spelled": [" ".join(part) for part in code.split("-")],
        "case": case,
    }
    if case is not None:
        shares = list(Assignment.objects.filter(case_id=case_id).order_by("number"))
        names = {move.name for move in moves.offered(actor, case, shares)}
        shown |= {
            "clock": deadlines.label(case.due_clock) if case.due_at and case.due_clock else "",
            "may_hand_off": "hand_off" in names,
            "may_merge": "merge" in names,
            "category": Category.objects.filter(pk=case.category).first() if case.category else "",
            "place": rows.place_names([case.area_code])[case.area_code],
        }
    answer = render(request, "command/hotline_taken.html", shown)
    answer["Cache-Control"] = "private, no-store"
    if case is not None:
        looks.note(actor, case, Way.PAGE)
    return answer


def _page(
    request: HttpRequest,
    actor: Actor,
    said: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    found: Beside | None = None,
) -> HttpResponse:
    today = dt.datetime.combine(clock.local_day(clock.now()), dt.time(), clock.CHINA)
    own = Case.objects.visible_to(actor).filter(channel=CHANNEL, unit_code=actor.unit_code)
    wrong = dict(problems or {})
    shown = {
        "here": "hotline",
        "said": said,
        "natures": NATURES,
        "numbers": NUMBERS,
        "groups": moves.category_groups(),
        "problems": wrong,
        "headline": bool(wrong),
        "found": found,
        "danger_words": classify.danger_words(),
        "longest_text": intake.LONGEST_TEXT,
        "on_duty": duty.on_duty(actor.unit_code, clock.now()),
        "to_hand_over": duty.unfinished(actor.unit_code, clock.now()),
        "figures": {
            "today": own.filter(opened_at__gte=today).count(),
            "waiting": own.filter(ended=False, state="reported").count(),
            "open": own.filter(ended=False).count(),
        },
    }
    return render(request, "command/hotline.html", shown, status=status)


# -- taking the call -------------------------------------------------------------------------


def _take(actor: Actor, said: Mapping[str, str]) -> engine.Opened:
    """Opens the case, sorts it at once, and answers it where the caller has the answer already.

    Again with the same key finds the first. Raises ReportRefused, FactsError or Refused; the
    caller's transaction then undoes all of it.
    """
    problems: dict[str, str] = {}
    nature = said["nature"]
    if nature not in dict(NATURES):
        problems["nature"] = _("Please choose what kind of call it is: one key, 1 to 6.")
    category = said["category"] if said["category"] in learn.categories() else ""
    answered = bool(said["answer"].strip())
    if answered and nature != "consult":
        problems["answer"] = _("Only a question is answered in the call; others are sent on.")
    extra: dict[str, Any] = {"nature": nature, "call": _call(said)}
    if answered and category:
        extra |= learn.category_of(category).facts()
    report = intake.Report(
        channel=CHANNEL,
        account=str(actor.account_id),
        key=said["key"],
        text=said["text"],
        place=said["place"],
        name=said["name"],
        phone=said["phone"],
        anonymous=bool(said["anonymous"]),
        about=said["about"],
        area_code=actor.area_code,
        actor=actor,
        extra=extra,
    )
    try:
        intake.read_report(report)
    except intake.ReportRefused as refused:
        problems = {**refused.problems, **problems}
    if problems:
        raise intake.ReportRefused(problems)
    opened = intake.take_in(report)
    if answered:
        _answer(actor, opened.case_id, said)
    else:
        with wall.standing(SYSTEM):
            advance.advance(opened.case_id)
        if category:
            _say_category(actor, opened.case_id, category, said)
    return opened


def _call(said: Mapping[str, str]) -> dict[str, Any]:
    """When the call was answered and ended, and how long it waited: facts without words."""
    now = clock.now()
    try:
        begun = dt.datetime.fromisoformat(said["answered_at"]).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        begun = now
    if not now - dt.timedelta(hours=12) <= begun <= now:
        begun = now
    found: dict[str, Any] = {
        "answered_at": begun.isoformat(timespec="seconds"),
        "ended_at": now.isoformat(timespec="seconds"),
    }
    waited = said["waited"].strip()
    if waited.isascii() and waited.isdigit() and int(waited) <= LONGEST_WAIT:
        found["waited_seconds"] = int(waited)
    return found


def _answer(actor: Actor, case_id: UUID, said: Mapping[str, str]) -> None:
    """Accepts a question and puts it on record with the answer that the caller was given."""
    key = move_key(said)
    engine.move(case_id, "accept", actor, key=f"{key}:accept")
    engine.move(
        case_id, "record_only", actor, key=f"{key}:answer", facts={"reason": said["answer"]}
    )


def _say_category(actor: Actor, case_id: UUID, category: str, said: Mapping[str, str]) -> None:
    """The operator's category in place of the automatic one; as a note where another unit has
    the case by now and decides."""
    with wall.standing(SYSTEM):
        case = Case.objects.get(pk=case_id)
        shares = list(Assignment.objects.filter(case_id=case_id))
    if case.category == category:
        return
    key = move_key(said)
    declared = case.pinned_kind.move("overrule")
    if declared is not None and permissions.may(actor, declared, case, shares):
        learn.overrule(case_id, Step.CLASSIFY, category, actor, key=f"{key}:kind")
        return
    noted = case.pinned_kind.move("log")
    if noted is not None and permissions.may(actor, noted, case, shares):
        with translation.override(settings.LANGUAGE_CODE):
            named = Category.objects.get(pk=category)
            note = _("In the call the operator took it for: %(code)s %(name)s") % {
                "code": category,
                "name": named.shown_name,
            }
        engine.move(case_id, "log", actor, key=f"{key}:kind", facts={"note": note})
