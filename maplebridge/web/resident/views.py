"""The resident reports a matter, follows it by its code, and has the last word on it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine, leases, wall
from maplebridge.cases.kinds import Move
from maplebridge.cases.models import Attachment, Case
from maplebridge.journey.intake import LONGEST_TEXT, MOST_PHOTOS, Report, ReportRefused, take_in
from maplebridge.journey.rate import Followed
from maplebridge.lib.keyring import KeyringError
from maplebridge.web.parts import doorstep, limits, moves, position
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.behalf import FACT, HELPERS, behalf_facts
from maplebridge.web.parts.desk import actor_of, posts_of
from maplebridge.web.parts.photos import (
    ReadPhotos,
    ReadVoice,
    read_photos,
    read_voice,
    shown_photo,
)
from maplebridge.web.resident import plates, shown

log = logging.getLogger(__name__)
SAID = (
    "text", "place", "lon", "lat", "accuracy_metres", "name", "phone", "anonymous", "about", "key",
    "at", FACT,
)  # fmt: skip
ANCHORS = ("text", "photos", "voice", "place", "about", "name", "phone")
EASE, EASE_SECONDS = "ease", 365 * 24 * 3600


@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return render(request, "resident/welcome.html")


@require_POST
def ease(request: HttpRequest) -> HttpResponse:
    """Large type and fewer things, or back; kept in this browser and nowhere else."""
    there = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure()):
        there = reverse("welcome")
    answer = HttpResponseRedirect(there)
    if request.POST.get("large") == "yes":
        answer.set_cookie(
            EASE, "large", EASE_SECONDS, secure=request.is_secure(), httponly=True, samesite="Lax"
        )
    else:
        answer.delete_cookie(EASE, samesite="Lax")
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form of a report, and the report; whatever is wrong, every word stays in the form."""
    if request.method != "POST":
        if (actor := actor_of(request)) is not None:
            doorstep.mark(request, actor)
        said = {"key": str(uuid.uuid4())}
        if asked := narrowing(request.GET, "at"):
            said |= plates.said_by(asked, narrowing(request.GET, "door"))
        return _form(request, said)
    said = {name: request.POST.get(name, "") for name in SAID}
    said["key"] = form_key(said)
    kept = read_photos(request.FILES.getlist("photos"), request.POST.getlist("kept"))
    heard = read_voice(request.FILES.get("voice"), request.POST.get("kept_voice", ""))
    problems = {"photos": kept.problem, "voice": heard.problem}
    problems = {name: problem for name, problem in problems.items() if problem}
    try:
        message = _read(request, said, kept, heard, problems)
        if problems:
            raise ReportRefused(problems)
        actor = message.actor
        if actor and (elsewhere := doorstep.drawn_elsewhere(request, actor, posts_of(request))):
            return elsewhere
        limits.spend_report(request, actor.account_id if actor else None)
        receipt = take_in(message)
    except ReportRefused as refused:
        return _form(request, said, kept, {**problems, **refused.problems}, 422, heard)
    except limits.TooMany as full:
        waits = {"": limits.sentence(limits.REPORT_WAITS, full)}
        return _waiting(_form(request, said, kept, waits, 429, heard), full)
    except (OperationalError, InterfaceError, KeyringError) as away:
        log.warning("a report could not be written: %s", away)
        again = {"": _("Please send it again in a moment.")}
        return _form(request, said, kept, again, 503, heard)
    answer = HttpResponseRedirect(reverse("receipt", args=[receipt.query_code]))
    limits.remember_device(request, answer)
    return answer


def _waiting(answer: HttpResponse, full: limits.TooMany) -> HttpResponse:
    answer["Retry-After"] = str(full.seconds)
    return answer


def _read(
    request: HttpRequest,
    said: Mapping[str, str],
    kept: ReadPhotos,
    heard: ReadVoice,
    problems: dict[str, str],
) -> Report:
    """The report as said; puts sentences about numbers that are none into `problems`."""
    actor = actor_of(request)
    numbers: dict[str, float | None] = {}
    for name in ("lon", "lat", "accuracy_metres"):
        try:
            numbers[name] = float(said[name]) if said[name].strip() else None
        except ValueError:
            numbers[name] = None
            problems["point"] = _("The place could not be read. Please choose it again.")
    return Report(
        channel="desk" if actor else "web",
        account=str(actor.account_id) if actor else "",
        key=said["key"],
        text=said["text"] if said["text"].strip() or not heard.voice else _("(voice note)"),
        place=said["place"],
        lon=numbers["lon"],
        lat=numbers["lat"],
        accuracy_metres=numbers["accuracy_metres"],
        name=said["name"],
        phone=said["phone"],
        anonymous=bool(said["anonymous"]),
        about=said["about"],
        photos=(*kept.photos, heard.voice) if heard.voice else kept.photos,
        area_code=actor.area_code if actor else plates.area_of(said["at"]),
        actor=actor,
        extra=behalf_facts(said[FACT]),
    )


def _form(
    request: HttpRequest,
    said: Mapping[str, str],
    kept: ReadPhotos | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    heard: ReadVoice | None = None,
) -> HttpResponse:
    """The form with what was said in it.

    With status 503 the page asks the database for nothing, not even who is signed in.
    """
    wrong = dict(problems or {})
    if "point" in wrong:
        wrong["place"] = wrong.pop("point")
    headline = (
        _("The system cannot write just now. Nothing is lost: words and photos are still here.")
        if status == 503
        else _("Not sent yet. All you wrote is still here; please mend this:")
    )
    context = {
        "said": said,
        "kept": kept.tokens if kept else [],
        "kept_voice": heard.token if heard else "",
        "helpers": HELPERS.items(),
        "plate": "" if status == 503 else plates.shown(said.get("at", "")),
        "problems": wrong,
        "anchors": ANCHORS,
        "headline": headline,
        "longest_text": LONGEST_TEXT,
        "most_photos": MOST_PHOTOS,
        "closed": status == 503,
    }
    answer = render(request, "resident/report.html", context, status=status)
    if status == 503:
        answer["Retry-After"] = "20"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """Asks for a query code and leads to its receipt."""
    if request.method != "POST":
        return render(request, "resident/follow.html")
    code = request.POST.get("code", "")
    try:
        found = limits.followed(limits.follower(request), code)
    except limits.TooMany as full:
        return _code_waits(request, code, full)
    if found is None:
        said = _(
            "No report has this code. Please compare it with your receipt, letter by letter; "
            "it looks like XXXX-XXXX-XXXX."
        )
        return render(request, "resident/follow.html", {"code": code, "error": said}, status=404)
    return HttpResponseRedirect(reverse("receipt", args=[found.own.query_code]))


def _code_waits(request: HttpRequest, code: str, full: limits.TooMany) -> HttpResponse:
    said = limits.sentence(limits.FOLLOW_WAITS, full)
    shown = {"code": code, "error": said}
    return _waiting(render(request, "resident/follow.html", shown, status=429), full)


def followed(request: HttpRequest, code: str) -> Followed:
    """Whom a code leads to; 404 for one that finds nothing, 429 for too many of these."""
    found = limits.followed(limits.follower(request), code)
    if found is None:
        raise Http404
    return found


@require_safe
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """The receipt: who has it, until when, what comes next, and what the reporter may do."""
    live_after = position.here()
    try:
        found = limits.followed(limits.follower(request), code)
    except limits.TooMany as full:
        return _code_waits(request, code, full)
    if found is None:
        said = _("No report has this code. Please compare it with your receipt, letter by letter.")
        return render(request, "resident/follow.html", {"code": code, "error": said}, status=404)
    answer = _receipt(request, found, live_after)
    limits.remember_device(request, answer)
    return answer


def _receipt(
    request: HttpRequest,
    found: Followed,
    live_after: position.Position,
    *,
    tried: str = "",
    said: QueryDict | None = None,
    problems: Mapping[str, str] | None = None,
    headline: str = "",
    status: int = 200,
) -> HttpResponse:
    """The receipt page; `tried` names the move whose form stays open with what was said."""
    with wall.standing(found.actor, [found.shown.pk]):
        context: dict[str, Any] = shown.receipt(found, tried, said, problems or {})
    address = request.build_absolute_uri(reverse("receipt", args=[found.own.query_code]))
    context |= {
        "headline": headline,
        "tried": tried,
        "live_after": live_after,
        "address": address,
        "back": reverse("receipt", args=[found.own.query_code]),
    }
    return render(request, "resident/receipt.html", context, status=status)


@require_safe
def photo(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """A photo or the voice note of the reporter's own report, not of the work on it."""
    found = followed(request, code)
    with wall.standing(found.actor):
        kept = get_object_or_404(Attachment, case_id=found.own.pk, number=number, sequence=1)
    return shown_photo(kept.sha256, kept.media_type, request)


@require_POST
def move(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """A move of the reporter: rate, answer, reopen, object."""
    live_after = position.here()
    found = followed(request, code)
    declared = found.own.pinned_kind.move(name)
    if declared is None or not declared.plain:
        raise Http404
    try:
        made = engine.move(
            found.own.pk,
            name,
            found.actor,
            key=move_key(request.POST),
            facts=moves.facts_from(declared, request.POST, Case.objects.none()),
        )
    except engine.FactsError as wrong:
        return _receipt(
            request,
            found,
            live_after,
            tried=name,
            said=request.POST,
            problems=wrong.problems,
            status=422,
        )
    except engine.WrittenElsewhere:
        _leave_note(request, found, declared)
        messages.success(request, _("Your words are kept; they join when the township is back."))
        return HttpResponseRedirect(reverse("receipt", args=[found.own.query_code]))
    except engine.Refused as refused:
        status = 403 if isinstance(refused, engine.NotAllowed) else 422
        return _receipt(
            request,
            found,
            live_after,
            tried=name,
            said=request.POST,
            headline=str(refused),
            status=status,
        )
    if made.move == "rate" and made.facts.get("solved") is False:
        said = _("Recorded: not solved. You can have it reopened below, with a reason.")
        messages.warning(request, said)
    else:
        messages.success(request, _("Thank you; it is recorded."))
    return HttpResponseRedirect(reverse("receipt", args=[found.own.query_code]))


def _leave_note(request: HttpRequest, found: Followed, declared: Move) -> None:
    """What a reporter says of a report that a cut-off township writes: nothing of it is lost."""
    typed = [request.POST.get(need.name, "") for need in declared.needs]
    said = f"{declared.label}: {' / '.join(filter(None, typed))}"[: leases.LONGEST_NOTE]
    with wall.standing(found.actor):
        leases.leave_note(found.own, found.actor, said, move_key(request.POST))
