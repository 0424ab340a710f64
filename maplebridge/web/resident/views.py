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
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine
from maplebridge.cases.models import Attachment, Case
from maplebridge.journey.intake import LONGEST_TEXT, MOST_PHOTOS, Report, ReportRefused, take_in
from maplebridge.journey.rate import Followed
from maplebridge.journey.rate import follow as follow_code
from maplebridge.web.parts import moves, position
from maplebridge.web.parts.asked import form_key, move_key
from maplebridge.web.parts.desk import actor_of
from maplebridge.web.parts.photos import ReadPhotos, read_photos, shown_photo
from maplebridge.web.resident import shown

log = logging.getLogger(__name__)
SAID = ("text", "place", "lon", "lat", "accuracy_metres", "name", "phone", "anonymous", "key")
ANCHORS = ("text", "photos", "place", "name", "phone")


@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return render(request, "resident/welcome.html")


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """The form of a report, and the report; whatever is wrong, every word stays in the form."""
    if request.method != "POST":
        return _form(request, {"key": str(uuid.uuid4())})
    said = {name: request.POST.get(name, "") for name in SAID}
    said["key"] = form_key(said)
    kept = read_photos(request.FILES.getlist("photos"), request.POST.getlist("kept"))
    problems = {"photos": kept.problem} if kept.problem else {}
    try:
        message = _read(request, said, kept, problems)
        if problems:
            raise ReportRefused(problems)
        receipt = take_in(message)
    except ReportRefused as refused:
        return _form(request, said, kept, {**problems, **refused.problems}, 422)
    except (OperationalError, InterfaceError) as away:
        log.warning("a report could not be written: %s", away)
        return _form(request, said, kept, {"": _("Please send it again in a moment.")}, 503)
    return HttpResponseRedirect(reverse("receipt", args=[receipt.query_code]))


def _read(
    request: HttpRequest, said: Mapping[str, str], kept: ReadPhotos, problems: dict[str, str]
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
        text=said["text"],
        place=said["place"],
        lon=numbers["lon"],
        lat=numbers["lat"],
        accuracy_metres=numbers["accuracy_metres"],
        name=said["name"],
        phone=said["phone"],
        anonymous=bool(said["anonymous"]),
        photos=kept.photos,
        area_code=actor.area_code if actor else "",
        actor=actor,
    )


def _form(
    request: HttpRequest,
    said: Mapping[str, str],
    kept: ReadPhotos | None = None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
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
    found = follow_code(code)
    if found is None:
        said = _(
            "No report has this code. Please compare it with your receipt, letter by letter; "
            "it looks like XXXX-XXXX-XXXX."
        )
        return render(request, "resident/follow.html", {"code": code, "error": said}, status=404)
    return HttpResponseRedirect(reverse("receipt", args=[found.own.query_code]))


def _followed(code: str) -> Followed:
    found = follow_code(code)
    if found is None:
        raise Http404
    return found


@require_safe
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """The receipt: who has it, until when, what comes next, and what the reporter may do."""
    live_after = position.here()
    found = follow_code(code)
    if found is None:
        said = _("No report has this code. Please compare it with your receipt, letter by letter.")
        return render(request, "resident/follow.html", {"code": code, "error": said}, status=404)
    return _receipt(request, found, live_after)


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
    context: dict[str, Any] = shown.receipt(found, tried, said, problems or {})
    context |= {"headline": headline, "tried": tried, "live_after": live_after}
    return render(request, "resident/receipt.html", context, status=status)


@require_safe
def photo(_request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """A photo of the reporter's own report, not of the work on it."""
    kept = get_object_or_404(Attachment, case_id=_followed(code).own.pk, number=number, sequence=1)
    return shown_photo(kept.sha256, kept.media_type)


@require_POST
def move(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """A move of the reporter: rate, answer, reopen, object."""
    live_after = position.here()
    found = _followed(code)
    declared = found.own.pinned_kind.move(name)
    if declared is None or not declared.plain:
        raise Http404
    try:
        engine.move(
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
    messages.success(request, _("Thank you; it is recorded."))
    return HttpResponseRedirect(reverse("receipt", args=[found.own.query_code]))
