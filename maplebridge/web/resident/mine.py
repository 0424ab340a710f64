"""My data: what is held about a report and its reporter; a copy, a correction, an erasure.

Source: PIPL, articles 44 to 50.
"""

from __future__ import annotations

import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from maplebridge.cases import engine, looks, reporters, wall
from maplebridge.cases.grades import Wish
from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import Attachment, Event, Payload, Request
from maplebridge.cases.reporters import Destroyed, Reporter
from maplebridge.journey import retention
from maplebridge.journey.intake import FEWEST_DIGITS, LONGEST
from maplebridge.journey.rate import Followed
from maplebridge.lib import masking
from maplebridge.lib.clock import CHINA, now
from maplebridge.lib.text import normalise
from maplebridge.web.parts import limits, words
from maplebridge.web.parts.asked import form_key, move_key
from maplebridge.web.resident.views import followed

PROVING_DIGITS = 4


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest, code: str) -> HttpResponse:
    """The page, and what is asked on it: `copy`, `correct` or `delete`."""
    found = followed(request, code)
    if request.method != "POST":
        return _page(request, found)
    wish = request.POST.get("wish", "")
    if wish == Wish.ACCESS:
        return _copy(request, found)
    if wish == Wish.CORRECT:
        return _correct(request, found)
    if wish == Wish.DELETE:
        made = retention.ask(found.own.pk, found.actor, Wish.DELETE, move_key(request.POST))
        messages.success(request, made.answer)
        return HttpResponseRedirect(reverse("mine", args=[found.own.query_code]))
    return _page(request, found, problem=_("Please choose what you ask for."))


def _page(
    request: HttpRequest, found: Followed, problem: str = "", said: Mapping[str, str] | None = None
) -> HttpResponse:
    reporter, gone = _reporter(found)
    with wall.standing(found.actor):
        asked = list(Request.objects.filter(case_id=found.own.pk).order_by("-at"))
    shown = {
        "case": found.own,
        "name": masking.mask_name(reporter.name),
        "phone": masking.mask_phone(reporter.phone),
        "gone": gone,
        "has_phone": bool(reporter.phone),
        "asked": asked,
        "waits": any(row.wish == Wish.DELETE and row.done_at is None for row in asked),
        "days": retention.ANSWER_DAYS,
        "said": said or {},
        "problem": problem,
        "keys": [str(uuid.uuid4()) for _n in range(3)],
        "key": form_key(said or {}),
    }
    return render(request, "resident/mine.html", shown, status=422 if problem else 200)


def _copy(request: HttpRequest, found: Followed) -> HttpResponse:
    """Everything held, as a JSON file; name and telephone whole only for whoever knows its end."""
    reporter, gone = _reporter(found)
    said = request.POST.get("digits", "").strip()
    proved = False
    if said:
        limits.spend(limits.FOLLOW_DEVICE, f"mine:{found.own.pk}")
        proved = _knows_the_end(reporter, said)
        if not proved:
            wrong = _("These are not the last four digits of the telephone number you left.")
            return _page(request, found, wrong, request.POST)
    with wall.standing(found.actor):
        held = _held(found, reporter, gone, whole=proved)
        Request.objects.get_or_create(
            case_id=found.own.pk,
            key=move_key(request.POST),
            defaults={
                "area_code": found.own.area_code,
                "wish": Wish.ACCESS,
                "at": now(),
                "done_at": now(),
                "answer": _("The copy was handed out."),
            },
        )
    body = json.dumps(held, ensure_ascii=False, indent=2)
    answer = HttpResponse(body, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.own.number}.json"'
    return answer


def _correct(request: HttpRequest, found: Followed) -> HttpResponse:
    said = {name: normalise(request.POST.get(name, "")) for name in ("name", "phone")}
    problem = ""
    if not any(said.values()):
        problem = _("Please write the name or the telephone number as it should be.")
    elif said["phone"] and sum(c.isdigit() for c in said["phone"]) < FEWEST_DIGITS:
        problem = _("This is no telephone number; please give at least five digits.")
    elif any(len(value) > LONGEST[name] for name, value in said.items()):
        problem = _("This is longer than a name or a number can be; please shorten it.")
    if problem:
        return _page(request, found, problem, request.POST)
    known, _gone = _reporter(found)
    whole = {"name": said["name"] or known.name, "phone": said["phone"] or known.phone}
    try:
        engine.aside(
            found.own.pk,
            Aside.CORRECT_REPORTER,
            found.actor,
            key=move_key(request.POST),
            reporter={name: value for name, value in whole.items() if value},
        )
    except engine.Refused as refused:
        return _page(request, found, str(refused), request.POST)
    messages.success(request, _("Corrected. From now on this is what stands."))
    return HttpResponseRedirect(reverse("mine", args=[found.own.query_code]))


def _reporter(found: Followed) -> tuple[Reporter, str]:
    """Who reported, or why that cannot be told."""
    with wall.standing(found.actor):
        try:
            return reporters.reporter_of_case(found.own.pk), ""
        except (Destroyed, reporters.KeyGone, reporters.Tampered) as gone:
            return Reporter(), str(gone)


def _knows_the_end(reporter: Reporter, said: str) -> bool:
    digits = "".join(c for c in reporter.phone if c.isdigit())
    right = digits[-PROVING_DIGITS:]
    return len(right) == PROVING_DIGITS and hmac.compare_digest(right.encode(), said.encode())


def _held(found: Followed, reporter: Reporter, gone: str, *, whole: bool) -> dict[str, Any]:
    """What is held about the report, in words a person can read."""
    case = found.own
    said = {
        payload.sequence: payload.content or {}
        for payload in Payload.objects.filter(case_id=case.pk, part="words")
    }
    photos = Attachment.objects.filter(case_id=case.pk, sequence=1).order_by("number")
    own_acts = Event.objects.filter(case_id=case.pk, role=str(found.actor.role))
    return {
        "number": case.number,
        "reported_at": case.opened_at.astimezone(CHINA).isoformat(),
        "channel": case.channel,
        "state": str(case.now.label),
        "what_you_said": said.get(1, {}),
        "place": None if case.lon is None else {"lon": case.lon, "lat": case.lat, "datum": "WGS84"},
        "name": reporter.name if whole else masking.mask_name(reporter.name),
        "telephone": reporter.phone if whole else masking.mask_phone(reporter.phone),
        "erased": gone,
        "photos": [{"sha256": p.sha256, "bytes": p.size} for p in photos if not p.is_voice],
        "voice": [{"sha256": p.sha256, "bytes": p.size} for p in photos if p.is_voice],
        "what_you_did": [
            {
                "at": event.at.astimezone(CHINA).isoformat(),
                "what": event.move,
                "words": said.get(event.sequence, {}),
            }
            for event in own_acts.exclude(sequence=1).order_by("sequence")
        ],
        "who_looked": [
            {
                "day": each.day.isoformat(),
                "post": f"{words.unit_name(each.unit_code)} · {each.role.label}",
                "times": each.times,
            }
            for each in looks.looked(case)
        ],
        "asked": [
            {"at": row.at.astimezone(CHINA).isoformat(), "wish": row.wish, "answer": row.answer}
            for row in Request.objects.filter(case_id=case.pk).order_by("at")
        ],
        "kept_until": _kept_until(case.category),
    }


def _kept_until(category: str) -> str:
    term = retention.TERMS.value().of(category)
    if term is None:
        return _("no time is set")
    return _("%(n)d months after the end; %(basis)s") % {"n": term.months, "basis": term.basis}
