"""Reports of an area and slips of a case, made when they are asked for and sent as files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from maplebridge.cases import looks, reading
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Assignment, Case
from maplebridge.insight import reports, slips
from maplebridge.journey.models import Category
from maplebridge.lib import clock, papers
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk

# A city's page offers its counties and townships; what lies below is asked for from there.
DEEPEST = 9
EARLIEST = dt.date(2000, 1, 1)


@dataclass(frozen=True)
class Slip:
    """A slip that a case has now. name: as in its address."""

    name: str
    label: str


@require_safe
@at_a_desk
def choose(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The page on which a report is chosen; it leads to the file."""
    name, form = narrowing(request.GET, "paper"), narrowing(request.GET, "form")
    if not name:
        return _page(request, actor)
    return _report(request, actor, name, form)


def _page(request: HttpRequest, actor: Actor, problem: str = "") -> HttpResponse:
    shown = {
        "here": "papers",
        "papers": list(reports.REPORT_LABELS.items()),
        "formats": list(papers.MEDIA_TYPES),
        "areas": _areas(actor),
        "chosen": {each: narrowing(request.GET, each) for each in ("paper", "area", "day")},
        "today": clock.local_day(clock.now()).isoformat(),
        "problem": problem,
    }
    return render(request, "command/papers.html", shown, status=422 if problem else 200)


def _areas(actor: Actor) -> list[tuple[str, str]]:
    """The areas of whose reports the actor has the sight, indented by tier."""
    if not reports.may_read(actor, actor.area_code):
        return []
    deepest = max(DEEPEST, len(actor.area_code))
    inside = Area.objects.within(actor.area_code).order_by("code").values_list("code", "name")
    found = [(code, name) for code, name in inside if len(code) <= deepest]
    top = len(actor.area_code)
    steps = sorted({len(code) for code, _name in found if len(code) >= top})
    return [(code, "　" * steps.index(len(code)) + name) for code, name in found]


def _report(request: HttpRequest, actor: Actor, name: str, form: str) -> HttpResponse:
    """A report of an area within the actor's own, as a file."""
    area = narrowing(request.GET, "area") or actor.area_code
    if (
        name not in reports.REPORTS
        or form not in papers.MEDIA_TYPES
        or not reports.may_read(actor, area)
        or not Area.objects.filter(pk=area).exists()
    ):
        raise Http404
    now = clock.now()
    day = _day(narrowing(request.GET, "day"), clock.local_day(now))
    if day is None:
        return _page(request, actor, _("Please choose a day until today."))
    return _sent(
        lambda: reports.report(name, area, day, now, _categories(), actor),
        form,
        f"{area}-{day.isoformat()}",
    )


def _day(said: str, today: dt.date) -> dt.date | None:
    """The day asked for, today when none was; None for what is no day until today."""
    try:
        day = dt.date.fromisoformat(said) if said else today
    except ValueError:
        return None
    return day if EARLIEST <= day <= today else None


@require_safe
@at_a_desk
def slip(request: HttpRequest, actor: Actor, case_id: UUID, name: str, form: str) -> HttpResponse:
    """A slip of a case that the actor may see, as a file."""
    case = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    if name not in slips.SLIPS or form not in papers.MEDIA_TYPES:
        raise Http404
    read = reading.readings(actor, [case])[case.pk].words
    try:
        answer = _sent(
            lambda: slips.slip(name, case, clock.now(), _categories(), read), form, case.number
        )
    except slips.NoSlip as none:
        raise Http404(str(none)) from none
    looks.note(actor, case, Way.PAPER)
    return answer


def slips_of(case: Case, assignments: list[Assignment]) -> list[Slip]:
    """The slips to offer on the page of a case."""
    return [Slip(name, str(slips.SLIP_LABELS[name])) for name in slips.slips_for(case, assignments)]


def _categories() -> dict[str, str]:
    return {category.code: category.shown_name for category in Category.objects.all()}


def _sent(make: Callable[[], papers.Paper], form: str, name: str) -> HttpResponse:
    """The file, in the city's language whatever the reader's: it is a paper of the city."""
    with translation.override(settings.LANGUAGE_CODE):
        paper = make()
    answer = HttpResponse(papers.render(paper, form), content_type=papers.MEDIA_TYPES[form])
    shown = quote(f"{paper.title} {name}.{form}", safe="")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{shown}"
    answer["Cache-Control"] = "private, no-store"
    return answer
