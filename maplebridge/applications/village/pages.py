"""The pages of a village: what it shows, letters to it, and the desk on which that is written."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from maplebridge.applications.village import letters, rules, shown, writing
from maplebridge.applications.village.models import (
    AnsweredLetter,
    Covenant,
    CovenantVersion,
    Ledger,
    LedgerEntry,
    Notice,
    Shown,
)
from maplebridge.applications.village.writing import SORTS, Blank, Sort, WritingRefused
from maplebridge.cases import engine, looks
from maplebridge.lib.keyring import KeyringError
from maplebridge.organisation.people import Actor
from maplebridge.web.parts import limits
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.beside import DeskPage, FirstPage, offer, offer_first
from maplebridge.web.parts.desk import at_a_desk

log = logging.getLogger(__name__)
REMEMBERED = "village"
REMEMBERED_SECONDS = 365 * 24 * 3600
# How a letter's subject is said; the codes are those of `rules.CATEGORIES`.
SUBJECTS = (
    ("question", gettext_lazy("A question"), gettext_lazy("How something works, when it comes")),
    ("suggestion", gettext_lazy("A suggestion"), gettext_lazy("What could be better")),
    (
        "covenant",
        gettext_lazy("For the covenant"),
        gettext_lazy("What the village should agree on"),
    ),
    ("thanks", gettext_lazy("Thanks"), gettext_lazy("What went well")),
)
LETTER_ANCHORS = ("about", "text", "name", "phone")


# -- the village's own pages ------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """To my village; who has chosen none finds it by name, by code, or from the county down."""
    if request.method == "POST":
        chosen = shown.village(narrowing(request.POST, "village"))
        if chosen is None:
            return _choosing(request, _("There is no village with this code."), 404)
        answer = HttpResponseRedirect(reverse("village-home", args=[chosen.code]))
        answer.set_cookie(
            REMEMBERED,
            chosen.code,
            max_age=REMEMBERED_SECONDS,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return answer
    mine = shown.village(request.COOKIES.get(REMEMBERED, ""))
    if mine is not None and not request.GET:
        return HttpResponseRedirect(reverse("village-home", args=[mine.code]))
    return _choosing(request)


def _choosing(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    asked = narrowing(request.GET, "q")
    way, below = shown.areas_below(narrowing(request.GET, "in"))
    found = shown.find_villages(asked) if asked else []
    values = {
        "asked": asked,
        "found": found,
        "way": way,
        "below": below,
        "are_villages": bool(below) and len(below[0].code) == 12,
        "problem": problem,
    }
    return render(request, "village/start.html", values, status=status)


def _place(request: HttpRequest, village: str, here: str) -> dict[str, Any]:
    """What every page of a village shows. Raises Http404 when there is none of that code."""
    place = shown.village(village)
    if place is None:
        raise Http404
    mine = request.COOKIES.get(REMEMBERED, "")
    return {"village": place, "here": here, "is_mine": mine == village}


@require_safe
def home(request: HttpRequest, village: str) -> HttpResponse:
    """The first page of a village."""
    values = _place(request, village, "home")
    return render(request, "village/home.html", {**values, "home": shown.home(village)})


@require_safe
def notices(request: HttpRequest, village: str) -> HttpResponse:
    """Notices and news, the newest first."""
    values = _place(request, village, "notices")
    found, after = shown.page_of(Notice.objects.standing(village), narrowing(request.GET, "after"))
    return render(request, "village/notices.html", {**values, "notices": found, "after": after})


@require_safe
def ledgers(request: HttpRequest, village: str) -> HttpResponse:
    """One of the three public ledgers, by year."""
    values = _place(request, village, "ledgers")
    ledger = narrowing(request.GET, "ledger")
    if ledger not in Ledger.values:
        ledger = Ledger.FINANCE.value
    years = shown.years(village, ledger)
    asked = narrowing(request.GET, "year")
    year = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in years else 0
    year = year or (years[0] if years else 0)
    rows = LedgerEntry.objects.standing(village).filter(ledger=ledger, on__year=year)
    found, after = shown.page_of(rows, narrowing(request.GET, "after")) if year else ([], "")
    values |= {
        "ledger": ledger,
        "label": Ledger(ledger).label,
        "tabs": Ledger.choices,
        "years": years,
        "year": year,
        "entries": found,
        "after": after,
        "sums": shown.sums(village, year) if ledger == Ledger.FINANCE and year else None,
        "with_amounts": any(entry.amount is not None for entry in found),
    }
    return render(request, "village/ledgers.html", values)


@require_safe
def covenants(request: HttpRequest, village: str) -> HttpResponse:
    """The covenants in force."""
    values = _place(request, village, "covenants")
    return render(
        request, "village/covenants.html", {**values, "covenants": shown.current_covenants(village)}
    )


@require_safe
def covenant(request: HttpRequest, village: str, paper: UUID) -> HttpResponse:
    """One version of a covenant, and its others."""
    values = _place(request, village, "covenants")
    found = get_object_or_404(CovenantVersion.objects.standing(village), pk=paper)
    versions = list(
        CovenantVersion.objects.standing(village)
        .filter(covenant_id=found.covenant_id)
        .order_by("-number")
    )
    values |= {
        "paper": found,
        "versions": versions,
        "in_force": versions[0],
        "history": shown.history(found),
    }
    return render(request, "village/covenant.html", values)


@require_safe
def activities(request: HttpRequest, village: str) -> HttpResponse:
    """What is to come, and what was."""
    values = _place(request, village, "activities")
    past, after = shown.page_of(shown.over(village), narrowing(request.GET, "after"))
    values |= {"coming": list(shown.coming(village)[:30]), "past": past, "after": after}
    return render(request, "village/activities.html", values)


@require_safe
def mailbox(request: HttpRequest, village: str) -> HttpResponse:
    """Letters that were answered in public, and the way to write one."""
    values = _place(request, village, "letters")
    found, after = shown.page_of(
        AnsweredLetter.objects.standing(village), narrowing(request.GET, "after")
    )
    values |= {"letters": found, "after": after, "answer_time": letters.answer_time()}
    return render(request, "village/mailbox.html", values)


@require_safe
def paper(request: HttpRequest, village: str, sort: str, paper: UUID) -> HttpResponse:
    """One notice, entry, activity or answered letter by itself, to be read and passed on."""
    if sort not in SORTS or sort == "covenant":
        raise Http404
    here = {"notice": "notices", "entry": "ledgers", "activity": "activities"}.get(sort, "letters")
    values = _place(request, village, here)
    found: Shown = get_object_or_404(SORTS[sort].model.objects.standing(village), pk=paper)
    values |= {"paper": found, "sort": sort, "history": shown.history(found)}
    return render(request, "village/paper.html", values)


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, village: str) -> HttpResponse:
    """The form of a letter, and the letter; whatever is wrong, every word stays in the form."""
    if request.method != "POST":
        values = _place(request, village, "letters")
        return _letter_form(request, values, {"key": str(uuid.uuid4())})
    names = ("about", "text", "name", "phone", "anonymous", "may_publish", "key")
    said = {name: request.POST.get(name, "") for name in names}
    said["key"] = form_key(said)
    # What the page shows while the database does not even know the village.
    values = {"village": shown.Place(village, ""), "here": "letters", "is_mine": False}
    try:
        values = _place(request, village, "letters")
        limits.spend_report(request, None)
        receipt = letters.take_in(
            letters.Letter(
                village=village,
                about=said["about"],
                text=said["text"],
                key=said["key"],
                name=said["name"],
                phone=said["phone"],
                anonymous=bool(said["anonymous"]),
                may_publish=bool(said["may_publish"]),
            )
        )
    except WritingRefused as refused:
        return _letter_form(request, values, said, refused.problems, 422)
    except limits.TooMany as full:
        waits = {"": limits.sentence(limits.REPORT_WAITS, full)}
        answer = _letter_form(request, values, said, waits, 429)
        answer["Retry-After"] = str(full.seconds)
        return answer
    except (OperationalError, InterfaceError, KeyringError) as away:
        log.warning("a letter could not be written: %s", away)
        problems = {"": _("Please send it again in a moment.")}
        return _letter_form(request, values, said, problems, 503)
    answer = HttpResponseRedirect(reverse("receipt", args=[receipt.query_code]))
    limits.remember_device(request, answer)
    return answer


def _letter_form(
    request: HttpRequest,
    values: Mapping[str, Any],
    said: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    shown_with = {
        **values,
        "said": said,
        "problems": dict(problems or {}),
        "anchors": LETTER_ANCHORS,
        "subjects": SUBJECTS,
        "longest_text": letters.LONGEST_TEXT,
        "answer_time": "" if status == 503 else letters.answer_time(),
        "closed": status == 503,
    }
    return render(request, "village/write.html", shown_with, status=status)


# -- the desk ---------------------------------------------------------------------------------


def _mine(actor: Actor, village: str) -> shown.Place:
    """The village, where this actor writes for it; else there is no such page."""
    place = shown.village(village)
    if place is None or not rules.may_write(actor, village):
        raise Http404
    return place


@require_safe
@at_a_desk
def desk_start(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The villages a post writes for; a station comes to its own at once."""
    if rules.may_write(actor, actor.area_code):
        return HttpResponseRedirect(reverse("village-desk-home", args=[actor.area_code]))
    _way, below = shown.areas_below(actor.area_code)
    mine = [place for place in below if rules.may_write(actor, place.code)]
    if not mine:
        raise Http404
    return render(request, "village/desk/start.html", {"here": "village", "villages": mine})


@require_safe
@at_a_desk
def desk_home(request: HttpRequest, actor: Actor, village: str) -> HttpResponse:
    """What a village shows, to be written, corrected or withdrawn."""
    place = _mine(actor, village)
    groups = [
        {
            "sort": sort,
            "papers": list(
                sort.model.objects.filter(area_code=village).order_by("-on", "-pk")[
                    : shown.PAGE_ROWS
                ]
            ),
        }
        for sort in SORTS.values()
    ]
    values = {
        "here": "village",
        "village": place,
        "groups": groups,
        "made_by_form": writing.MADE_BY_FORM,
        "sorts": [SORTS[name] for name in writing.MADE_BY_FORM],
        "letters_ready": len(letters.ready(actor, village)),
    }
    return render(request, "village/desk/home.html", values)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def desk_new(request: HttpRequest, actor: Actor, village: str, sort: str) -> HttpResponse:
    """The form of something new, and its publishing; what was typed is kept when it is refused."""
    place = _mine(actor, village)
    if sort not in writing.MADE_BY_FORM:
        raise Http404
    told = request.POST if request.method == "POST" else request.GET
    before = _covenant(village, told.get("of", "")) if sort == "covenant" else None
    if request.method != "POST":
        said = {**(writing.said_of(before) if before else {}), "key": str(uuid.uuid4())}
        if before:
            said |= {"on": "", "changes": ""}
        return _form(request, place, SORTS[sort], said, before=before)
    said = {name: str(value) for name, value in request.POST.items()}
    said["key"] = form_key(said)
    try:
        values = writing.read(SORTS[sort], said)
        made = writing.make(
            SORTS[sort],
            village,
            values,
            actor,
            move_key(said),
            covenant=before.covenant_id if before else None,
        )
    except WritingRefused as refused:
        return _form(request, place, SORTS[sort], said, refused.problems, 422, before=before)
    messages.success(request, _("Published; everybody can read it now."))
    return HttpResponseRedirect(reverse("village-desk-paper", args=[village, sort, made.pk]))


def _covenant(village: str, typed: str) -> CovenantVersion | None:
    """The last version of the covenant that gets a new one; None for a covenant of its own."""
    if not typed:
        return None
    try:
        head = Covenant.objects.get(pk=UUID(typed), area_code=village)
    except (ValueError, Covenant.DoesNotExist):
        raise Http404 from None
    return head.versions.order_by("-number").first()


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def desk_paper(
    request: HttpRequest, actor: Actor, village: str, sort: str, paper: UUID
) -> HttpResponse:
    """Something shown, with its history: corrected, or withdrawn, with the reason."""
    place = _mine(actor, village)
    if sort not in SORTS:
        raise Http404
    found: Shown = get_object_or_404(SORTS[sort].model, pk=paper, area_code=village)
    if request.method != "POST":
        said = {**writing.said_of(found), "key": str(uuid.uuid4())}
        return _form(request, place, SORTS[sort], said, paper=found)
    said = {name: str(value) for name, value in request.POST.items()}
    said["key"] = form_key(said)
    try:
        if said.get("act") == "withdraw":
            writing.withdraw(found, said.get("why_withdrawn", ""), actor, move_key(said))
            done = _("Withdrawn; it is on no page any more.")
        else:
            writing.correct(
                found,
                writing.read(SORTS[sort], said),
                said.get("why", ""),
                actor,
                move_key(said),
                _number(said.get("corrections", "")),
            )
            done = _("Corrected; what stood there before is kept.")
    except writing.Stale as stale:
        found.refresh_from_db()
        return _form(request, place, SORTS[sort], said, stale.problems, 409, paper=found)
    except WritingRefused as refused:
        problems = dict(refused.problems)
        if said.get("act") == "withdraw" and "why" in problems:
            said = {**writing.said_of(found), "key": said["key"]}
            problems = {"why_withdrawn": problems.pop("why")}
        return _form(request, place, SORTS[sort], said, problems, 422, paper=found)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("village-desk-paper", args=[village, sort, found.pk]))


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1


def _form(
    request: HttpRequest,
    place: shown.Place,
    sort: Sort,
    said: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    paper: Shown | None = None,
    before: CovenantVersion | None = None,
) -> HttpResponse:
    wrong = dict(problems or {})
    values = {
        "here": "village",
        "village": place,
        "sort": sort,
        "fields": _drawn(sort.blanks, said, wrong),
        "said": said,
        "problems": wrong,
        "anchors": [*(blank.name for blank in sort.blanks), "why", "why_withdrawn"],
        "paper": paper,
        "before": before,
        "history": shown.history(paper, inside=True) if paper else [],
    }
    return render(request, "village/desk/form.html", values, status=status)


def _drawn(
    blanks: Sequence[Blank], said: Mapping[str, str], problems: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {**vars(blank), "value": said.get(blank.name, ""), "error": problems.get(blank.name, "")}
        for blank in blanks
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def desk_letters(request: HttpRequest, actor: Actor, village: str) -> HttpResponse:
    """Answered letters whose writers allow them to be shown: looked over, then published."""
    place = _mine(actor, village)
    found = letters.ready(actor, village)
    said: dict[str, str] = {}
    problems: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        said = {name: str(value) for name, value in request.POST.items()}
        said["key"] = form_key(said)
        chosen = next((each for each in found if str(each.case.pk) == said.get("letter")), None)
        if chosen is None and writing.is_written(actor, move_key(said)):
            return HttpResponseRedirect(reverse("village-desk-letters", args=[village]))
        if chosen is None:
            raise Http404
        try:
            letters.publish(chosen.case, said, actor, move_key(said))
        except WritingRefused as refused:
            problems, status = refused.problems, 422
        except engine.Refused as refused:
            problems, status = {"": str(refused)}, 403
        else:
            messages.success(request, _("Published without a name; everybody can read it now."))
            return HttpResponseRedirect(reverse("village-desk-letters", args=[village]))
    rows = []
    for each in found:
        is_tried = str(each.case.pk) == said.get("letter")
        typed = said if is_tried else {**each.draft, "key": str(uuid.uuid4())}
        wrong = problems if is_tried else {}
        rows.append(
            {
                "letter": each,
                "key": typed["key"],
                "fields": _drawn(SORTS["letter"].blanks, typed, wrong),
                "headline": wrong.get("", ""),
                "is_open": is_tried,
            }
        )
    values = {"here": "village", "village": place, "rows": rows}
    answer = render(request, "village/desk/letters.html", values, status=status)
    looks.note_list(actor, [each.case for each in found])
    return answer


offer(DeskPage("village-desk", "village", gettext_lazy("Village life"), "home", rules.writes))
offer_first(
    FirstPage(
        "village", gettext_lazy("Village life"),
        gettext_lazy("Notices, accounts, activities, letters"), "village", "jade",
    )
)  # fmt: skip

urlpatterns = [
    path("", start, name="village"),
    path("desk/", desk_start, name="village-desk"),
    path("desk/<str:village>/", desk_home, name="village-desk-home"),
    path("desk/<str:village>/letters/", desk_letters, name="village-desk-letters"),
    path("desk/<str:village>/<slug:sort>/new/", desk_new, name="village-desk-new"),
    path("desk/<str:village>/<slug:sort>/<uuid:paper>/", desk_paper, name="village-desk-paper"),
    path("<str:village>/", home, name="village-home"),
    path("<str:village>/notices/", notices, name="village-notices"),
    path("<str:village>/ledgers/", ledgers, name="village-ledgers"),
    path("<str:village>/covenants/", covenants, name="village-covenants"),
    path("<str:village>/covenants/<uuid:paper>/", covenant, name="village-covenant"),
    path("<str:village>/activities/", activities, name="village-activities"),
    path("<str:village>/letters/", mailbox, name="village-letters"),
    path("<str:village>/letters/write/", write, name="village-write"),
    path("<str:village>/<slug:sort>/<uuid:paper>/", paper, name="village-paper"),
]
