"""The pages of safety: hazards, premises, the plan of visits, a visit; and the public list."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from maplebridge.applications.safety import drives, figures, ledger, papers, register, visits
from maplebridge.applications.safety.manifest import STAFF
from maplebridge.applications.safety.models import Inspection, Premises, Risk, Trade
from maplebridge.applications.safety.papers import KIND
from maplebridge.applications.safety.rules import AccidentGrade
from maplebridge.cases import engine, looks, reading, wall
from maplebridge.cases.engine import FactsError
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Case, Event
from maplebridge.insight.scope import sight_of
from maplebridge.journey.models import Category
from maplebridge.lib import papers as setting
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.units import directory
from maplebridge.web.command.rows import place_names, rows_of
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.beside import (
    CasePage,
    DeskPage,
    FigureLines,
    FirstPage,
    offer,
    offer_case,
    offer_figures,
    offer_first,
)
from maplebridge.web.parts.desk import at_a_desk

MOST_LISTED = 100
VILLAGE_DIGITS = 12
# Premises of each risk, the worst first, in the house's tones.
TONES = {Risk.RED: "crimson", Risk.ORANGE: "amber", Risk.YELLOW: "stone", Risk.BLUE: "water"}
FIELDS = ("code", "name", "trade", "risk", "village", "address", "duty_holder", "duty_post",
          "duty_phone")  # fmt: skip


def works_here(actor: Actor) -> bool:
    """Whether a post has the pages of safety."""
    return register.may_look(actor) and actor.role in STAFF


@require_safe
@at_a_desk
def hazards(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The hazards that a post sees, those overdue and due soonest first."""
    if not works_here(actor):
        raise Http404
    ended = request.GET.get("tab") == "ended"
    seen = Case.objects.visible_to(actor).filter(kind=KIND, ended=ended)
    order = ("-changed_at", "id") if ended else ("due_at", "id")
    cases = list(seen.order_by(*order)[:MOST_LISTED])
    opened = {e.case_id: e.facts for e in Event.objects.filter(
        case_id__in=[case.pk for case in cases], sequence=1)}  # fmt: skip
    rows = [
        (row, opened.get(case.pk, {}))
        for case, row in zip(cases, rows_of(actor, cases), strict=True)
    ]
    values = {
        "here": "safety", "rows": rows, "ended": ended, "may_keep": register.may_keep(actor),
        "waiting": visits.seen_by(actor).filter(done_at=None).count(),
    }  # fmt: skip
    looks.note_list(actor, cases)
    return render(request, "safety/hazards.html", values)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def premises(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The register of an area, and the form that enters premises."""
    if not works_here(actor):
        raise Http404
    said = {name: request.POST.get(name, "") for name in FIELDS}
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        if not register.may_keep(actor):
            raise PermissionDenied
        try:
            held = register.register(actor, said)
        except FactsError as refused:
            problems = refused.problems
        else:
            messages.success(request, _("Entered: %(name)s.") % {"name": held.name})
            return HttpResponseRedirect(reverse("safety-place", args=[held.pk]))
    trade, risk = narrowing(request.GET, "trade"), narrowing(request.GET, "risk")
    found = register.seen_by(actor)
    if trade in Trade.values:
        found = found.filter(trade=trade)
    if risk in {str(one.value) for one in Risk}:
        found = found.filter(risk=int(risk))
    listed = list(found.order_by("risk", "code")[:MOST_LISTED])
    places = place_names({one.area_code for one in listed})
    values = {
        "here": "safety", "may_keep": register.may_keep(actor), "said": said,
        "problems": problems, "trades": Trade.choices, "risks": Risk.choices, "trade": trade,
        "risk": risk, "villages": _villages(actor),
        "rows": [(one, TONES[Risk(one.risk)], places[one.area_code]) for one in listed],
    }  # fmt: skip
    return render(request, "safety/premises.html", values, status=422 if problems else 200)


def _villages(actor: Actor) -> list[tuple[str, str]]:
    within = Area.objects.within(actor.area_code).filter(code__regex=f"^.{{{VILLAGE_DIGITS}}}$")
    return list(within.order_by("code").values_list("code", "name")[:2000])


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def place(request: HttpRequest, actor: Actor, premises_id: UUID) -> HttpResponse:
    """One place of work: who answers for it, its visits; an earlier visit is planned here."""
    one = get_object_or_404(register.seen_by(actor), pk=premises_id)
    said = {name: request.POST.get(name, "") for name in ("on", "cause", "key")}
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        if not register.may_keep(actor):
            raise PermissionDenied
        try:
            on = _day(said["on"], "on")
            visit = visits.visit_early(actor, one, on, said["cause"], form_key(said))
        except FactsError as refused:
            problems = refused.problems
        else:
            return HttpResponseRedirect(reverse("safety-visit", args=[visit.pk]))
    made = list(one.inspections.order_by("-planned_on")[:MOST_LISTED])
    values = {
        "here": "safety", "one": one, "tone": TONES[Risk(one.risk)], "visits": made,
        "place": place_names([one.area_code])[one.area_code], "said": said, "problems": problems,
        "may_keep": register.may_keep(actor), "key": str(uuid.uuid4()), "today": local_day(now()),
    }  # fmt: skip
    return render(request, "safety/place.html", values, status=422 if problems else 200)


def _day(typed: str, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(typed)
    except ValueError:
        said = _("Please write the day; a date looks like 2026-01-31.")
        raise FactsError({name: said}) from None


def _whole(typed: str) -> int:
    """What was typed as a number; 0 for what is none, which is refused with a sentence."""
    typed = normalise(typed)
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 0


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def plan(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The visits that wait, by day; a plan of more of them is made here, and is the same again."""
    if not works_here(actor):
        raise Http404
    today = local_day(now())
    said = {"begins": today.isoformat(), "days": "14", "visits_a_day": "3", "seed": "1"}
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        if not register.may_keep(actor):
            raise PermissionDenied
        said = {name: request.POST.get(name, "") for name in said}
        try:
            begins = _day(said["begins"], "begins")
            made = visits.plan(actor, begins, _whole(said["days"]), _whole(said["visits_a_day"]),
                               _whole(said["seed"]))  # fmt: skip
        except FactsError as refused:
            problems = refused.problems
        else:
            messages.success(request, _("Visits planned: %(n)d.") % {"n": len(made)})
            return HttpResponseRedirect(reverse("safety-plan"))
    waiting = visits.seen_by(actor).filter(done_at=None).select_related("premises")
    done = visits.seen_by(actor).filter(done_at__isnull=False).select_related("premises")
    values = {
        "here": "safety", "said": said, "problems": problems, "today": today,
        "may_keep": register.may_keep(actor),
        "waiting": [
            (one, _reason(one))
            for one in waiting.order_by("planned_on", "premises__code")[:MOST_LISTED]
        ],
        "done": done.order_by("-done_at")[:20],
    }  # fmt: skip
    return render(request, "safety/plan.html", values, status=422 if problems else 200)


def _reason(visit: Inspection) -> str:
    """Why premises are visited then: their risk, or the cause that was written down."""
    by_name = {risk.name.lower(): risk for risk in Risk}
    return str(by_name[visit.reason].label) if visit.reason in by_name else visit.reason


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def visit(request: HttpRequest, actor: Actor, visit_id: UUID) -> HttpResponse:
    """A visit with the check list of its trade; what is not in order becomes a hazard."""
    found = visits.seen_by(actor).select_related("premises")
    one = get_object_or_404(found, pk=visit_id)
    problems: Mapping[str, str] = {}
    said = {name: str(value) for name, value in request.POST.items()}
    if request.method == "POST":
        findings = {k.removeprefix("is-"): v for k, v in said.items() if k.startswith("is-")}
        notes = {k.removeprefix("seen-"): v for k, v in said.items() if k.startswith("seen-")}
        try:
            opened = visits.record(actor, one.pk, findings, notes)
        except FactsError as refused:
            problems = refused.problems
        else:
            words = _("Written down; hazards opened: %(n)d.") % {"n": len(opened)}
            messages.success(request, words)
            return HttpResponseRedirect(reverse("safety-visit", args=[one.pk]))
    hazards_by = visits.hazards_of(one) if one.done_at else {}
    known = set(Case.objects.visible_to(actor).filter(pk__in=hazards_by.values())
                .values_list("pk", flat=True))  # fmt: skip
    items: list[dict[str, Any]] = [
        {
            "item": item, "answer": one.findings.get(item.code) or said.get(f"is-{item.code}", ""),
            "seen": one.notes.get(item.code) or said.get(f"seen-{item.code}", ""),
            "error": problems.get(item.code, ""),
            "case": hazards_by.get(item.code) if hazards_by.get(item.code) in known else None,
        }
        for item in register.items_of(one.premises.trade)
    ]  # fmt: skip
    values = {
        "here": "safety", "one": one, "items": items, "reason": _reason(one),
        "tone": TONES[Risk(one.premises.risk)], "problem": problems.get("", ""),
        "may_write": one.done_at is None, "problems": problems,
        "place": place_names([one.area_code])[one.area_code],
    }  # fmt: skip
    return render(request, "safety/visit.html", values, status=422 if problems else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A hazard written down at a desk, at premises of the register or elsewhere in the own area."""
    if not works_here(actor) or actor.role not in STAFF:
        raise Http404
    said = {name: request.POST.get(name, "") for name in ("premises", "village", "text", "key")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        at = register.seen_by(actor).filter(code=said["premises"]).first()
        area = at.area_code if at else normalise(said["village"])
        if not said["text"].strip():
            problems["text"] = _("Please say in a sentence what is unsafe, and where.")
        if not at and area not in dict(_villages(actor)):
            problems["village"] = _("Please choose a place of your own area.")
        if not problems:
            facts = {"confidentiality": "C0", **({"premises": at.code} if at else {})}
            opened = engine.open(
                engine.Opening(
                    kind=KIND, channel="desk", account=str(actor.account_id),
                    key=f"form:{form_key(said)}", area_code=area, actor=actor, facts=facts,
                    unit_code=directory().room_of(area[:9]).code,
                    words={"text": said["text"].strip()[:2000]},
                    lon=at.lon if at else None, lat=at.lat if at else None,
                )
            )  # fmt: skip
            return HttpResponseRedirect(reverse("case", args=[opened.case_id]))
    values = {
        "here": "safety", "said": said, "problems": problems, "key": form_key(said),
        "villages": _villages(actor),
        "premises": register.seen_by(actor).order_by("name")[:500],
    }  # fmt: skip
    return render(request, "safety/new.html", values, status=422 if problems else 200)


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """The major hazards under listed supervision (挂牌督办), for everybody; nobody is named."""
    with wall.standing(SYSTEM):
        cases = list(Case.objects.filter(kind=KIND, ended=False, confidentiality="C0")[:1000])
        ids = [case.pk for case in cases]
        said: dict[UUID, Event] = {}
        moves = Event.objects.filter(case_id__in=ids, move__in=("list_publicly", "delist"))
        for event in moves.order_by("case_id", "sequence"):
            if event.move == "list_publicly":
                said[event.case_id] = event
            else:
                said.pop(event.case_id, None)
        shown = [case for case in cases if case.pk in said]
        first = {e.case_id: e.facts for e in Event.objects.filter(
            case_id__in=list(said), sequence=1)}  # fmt: skip
        codes = {str(facts.get("premises", "")) for facts in first.values()}
        names = dict(Premises.objects.filter(code__in=codes).values_list("code", "name"))
        places = place_names({case.area_code for case in shown})
        kinds = {category.code: category.shown_name for category in Category.objects.all()}
    rows = [
        {
            "case": case, "since": said[case.pk].facts.get("published_on", ""),
            "name": names.get(str(first.get(case.pk, {}).get("premises", "")), ""),
            "place": places.get(case.area_code, ""), "kind": kinds.get(case.category, ""),
        }
        for case in shown
    ]  # fmt: skip
    return render(request, "safety/listed.html", {"rows": rows})


# -- accidents, campaigns, papers ---------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def accidents(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The ledger of a year beside the same days a year ago; an entry is written or corrected."""
    if not works_here(actor):
        raise Http404
    today = local_day(now())
    said = {name: str(value) for name, value in request.POST.items()}
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        try:
            if said.get("corrects"):
                ledger.correct(actor, _id(said["corrects"]), said, move_key(said))
            else:
                ledger.enter(actor, said, move_key(said))
        except FactsError as refused:
            problems = refused.problems
        else:
            messages.success(request, _("Written into the ledger."))
            return HttpResponseRedirect(reverse("safety-accidents"))
    year = _whole(request.GET.get("year", "")) or today.year
    if not ledger.FIRST_YEAR < year <= today.year:
        raise Http404
    found = ledger.year_of(actor.area_code, ledger.year_until(year, today))
    values = {
        "here": "safety", "year": year, "found": found, "said": said, "problems": problems,
        "key": str(uuid.uuid4()), "may_enter": ledger.may_enter(actor), "today": today,
        "parts": [(title, [_changed(line) for line in part]) for title, part in (
            (_("In all"), [found.total]), (_("By grade"), found.by_grade),
            (_("By area"), found.by_area), (_("By month"), found.by_month))],
        "grades": {int(grade): label for grade, label in ledger.GRADES.items()},
        "trades": Trade.choices, "areas": _villages(actor),
        "rows": [(one, ledger.GRADES[AccidentGrade(one.grade)]) for one in found.entries[:50]],
    }  # fmt: skip
    return render(request, "safety/accidents.html", values, status=422 if problems else 200)


def _changed(line: ledger.Line) -> tuple[ledger.Line, str, str]:
    """A line with its two changes in words; a dash where the base is 0."""
    return line, _share(line.accidents_change), _share(line.deaths_change)


def _share(change: float | None) -> str:
    return "—" if change is None else f"{change:+.1%}"


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise Http404 from None


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def campaigns(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The campaigns of an area with what came of them, and the form that begins one."""
    if not works_here(actor):
        raise Http404
    said = {name: str(value) for name, value in request.POST.items()}
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        if not drives.may_call(actor):
            raise PermissionDenied
        try:
            drives.call(actor, said, move_key(said))
        except FactsError as refused:
            problems = refused.problems
        else:
            messages.success(request, _("Begun; its effect is counted from now on."))
            return HttpResponseRedirect(reverse("safety-campaigns"))
    listed = list(drives.seen_by(actor).order_by("-begins")[:20])
    # What a wider area found is not counted for a narrower desk.
    own = [one for one in listed if one.area_code.startswith(actor.area_code)]
    counted = {one.pk: drives.effect(one, sight_of(actor)) for one in own}
    values = {
        "here": "safety", "said": said, "problems": problems, "key": str(uuid.uuid4()),
        "may_call": drives.may_call(actor), "trades": Trade.choices, "today": local_day(now()),
        "rows": [(one, effect := counted.get(one.pk),
                  _share(effect.accidents_change) if effect else "") for one in listed],
    }  # fmt: skip
    return render(request, "safety/campaigns.html", values, status=422 if problems else 200)


def _hazard(actor: Actor, case_id: UUID) -> tuple[Case, papers.File]:
    case = get_object_or_404(Case.objects.visible_to(actor), pk=case_id, kind=KIND)
    if not reading.readings(actor, [case])[case.pk].full:
        raise Http404
    first = Event.objects.filter(case_id=case.pk, sequence=1).first()
    code = str(first.facts.get("premises", "")) if first else ""
    name = Premises.objects.filter(code=code).values_list("name", flat=True).first()
    return case, papers.read(case, name or "")


@require_safe
@at_a_desk
def paper_list(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """The papers that a hazard has so far."""
    case, file = _hazard(actor, case_id)
    looks.note(actor, case, Way.PAGE)
    values = {"here": "safety", "case": case, "papers": papers.ready(file)}
    return render(request, "safety/papers.html", values)


@require_safe
@at_a_desk
def paper(request: HttpRequest, actor: Actor, case_id: UUID, name: str, form: str) -> HttpResponse:
    """One paper of a hazard, printed."""
    case, file = _hazard(actor, case_id)
    if form not in setting.MEDIA_TYPES:
        raise Http404
    with translation.override(settings.LANGUAGE_CODE):
        try:
            made = papers.paper(name, file)
        except KeyError:
            raise Http404 from None
    looks.note(actor, case, Way.PAPER)
    answer = HttpResponse(setting.render(made, form), content_type=setting.MEDIA_TYPES[form])
    shown = quote(f"{made.title} {case.number}.{form}", safe="")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{shown}"
    answer["Cache-Control"] = "private, no-store"
    return answer


offer_case(CasePage(KIND, "safety-papers", gettext_lazy("Papers of the hazard"), "note"))
offer_figures(FigureLines(figures.NAME, gettext_lazy("Safety"), figures.lines_of))
offer(DeskPage("safety", "safety", gettext_lazy("Safety"), "check", works_here))
offer_first(
    FirstPage(
        "safety-listed", gettext_lazy("Major hazards, listed"),
        gettext_lazy("What is being mended under supervision"), "alert", "stone",
    )
)  # fmt: skip

urlpatterns = [
    path("", hazards, name="safety"),
    path("listed/", listed, name="safety-listed"),
    path("new/", new, name="safety-new"),
    path("premises/", premises, name="safety-premises"),
    path("premises/<uuid:premises_id>/", place, name="safety-place"),
    path("plan/", plan, name="safety-plan"),
    path("visit/<uuid:visit_id>/", visit, name="safety-visit"),
    path("accidents/", accidents, name="safety-accidents"),
    path("campaigns/", campaigns, name="safety-campaigns"),
    path("hazard/<uuid:case_id>/papers/", paper_list, name="safety-papers"),
    path("hazard/<uuid:case_id>/papers/<slug:name>.<slug:form>", paper, name="safety-paper"),
]
