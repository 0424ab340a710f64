"""The administration's pages of message texts: written, read as they arrive, published."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from maplebridge.cases.kinds import Move, State, registry
from maplebridge.journey import configuration
from maplebridge.journey.notice import BLANKS, SEED, TEXTS, Texts
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, EditionRefused
from maplebridge.organisation.people import Actor
from maplebridge.web.backoffice.columns import public_moves
from maplebridge.web.backoffice.views import at_the_administration
from maplebridge.web.parts.asked import narrowing

SAMPLE = {"number": "330825-20261123-AB12CD", "code": "KX7M-2PQR-9TDW"}
LONGEST = 300
# A text message holds 70 signs; a longer one goes in parts of 67. Source: 3GPP TS 23.040.
ONE_MESSAGE, EACH_PART = 70, 67


@require_safe
@at_the_administration
def texts(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """The texts in force as they read, by move and language, and which moves have none."""
    rows = _rows()
    own = {cells["move"] for cells in rows}
    moves = public_moves()
    shown = {
        "here": "texts",
        "number": TEXTS.number(),
        "rows": [
            {
                "move": cells["move"],
                "label": moves[cells["move"]] if cells["move"] in moves else _("every other step"),
                "language": cells["language"],
                "language_name": str(dict(settings.LANGUAGES)[cells["language"]]),
                "text": _read(cells["text"], cells["move"], cells["language"]),
            }
            for cells in sorted(rows, key=_in_order)
        ],
        "moves": [(name, label) for name, label in moves.items() if name not in own],
    }
    return render(request, "backoffice/texts.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_administration
def edit(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form of one text with how it will read; a POST reads it again or publishes it."""
    asked = request.POST if request.method == "POST" else request.GET
    move, language = narrowing(asked, "move"), narrowing(asked, "language") or "zh-hans"
    if language not in dict(settings.LANGUAGES) or (move and move not in public_moves()):
        raise Http404
    rows = _rows()
    present = next((c["text"] for c in rows if _key(c) == (move, language)), "")
    if request.method != "POST":
        proposed = present or next(c["text"] for c in rows if _key(c) == ("", language))
        return _form(request, move, language, proposed)
    text = " ".join(request.POST.get("text", "").split())
    after = [cells for cells in rows if _key(cells) != (move, language)]
    if text or not move:
        after.append({"move": move, "language": language, "text": text})
    read = editions.read_bytes(TEXTS, editions.as_csv(TEXTS, after))
    if len(text) > LONGEST or read.problems:
        said = [f"{problem.wrong} {problem.mend}" for problem in read.problems]
        if len(text) > LONGEST:
            said = [_("The text is longer than %(n)d signs; please shorten it.") % {"n": LONGEST}]
        return _form(request, move, language, text, problem=said[0])
    if request.POST.get("act") != "publish":
        return _form(request, move, language, text)
    try:
        made = configuration.publish(
            TEXTS,
            read.rows,
            note=request.POST.get("note", ""),
            by=actor,
            expected=_number(request.POST.get("expected", "")),
        )
    except EditionRefused as refused:
        return _form(request, move, language, text, headline=str(refused))
    if made is None:
        messages.info(request, _("It equals the edition in force; nothing was published."))
    else:
        messages.success(request, _("Edition %(n)d is published.") % {"n": made.number})
    return HttpResponseRedirect(reverse("configuration-texts"))


def _form(
    request: HttpRequest,
    move: str,
    language: str,
    text: str,
    *,
    problem: str = "",
    headline: str = "",
) -> HttpResponse:
    shown: dict[str, Any] = {
        "here": "texts",
        "move": move,
        "label": public_moves().get(move) or _("every other step"),
        "language": language,
        "language_name": str(dict(settings.LANGUAGES)[language]),
        "text": text,
        "note": request.POST.get("note", ""),
        "expected": configuration.newest_number(TEXTS),
        "longest": LONGEST,
        "blanks": [(name, _WHAT[name]()) for name in ("number", "code", "state", "next")],
        "problem": problem,
        "headline": headline,
        "is_general": not move,
    }
    if not problem and text:
        reads = _read(text, move, language)
        shown |= {"reads": reads, "signs": len(reads), "parts": parts_of(reads)}
    return render(
        request, "backoffice/text.html", shown, status=422 if problem or headline else 200
    )


_WHAT = {
    "number": lambda: _("the case number"),
    "code": lambda: _("the query code"),
    "state": lambda: _("the state it is in then"),
    "next": lambda: _("what comes next, one sentence"),
}
assert set(_WHAT) == set(BLANKS)  # noqa: S101  a blank more needs its words here


def parts_of(text: str) -> int:
    """How many text messages a text goes out as."""
    return 1 if len(text) <= ONE_MESSAGE else ceil(len(text) / EACH_PART)


def _rows() -> list[Cells]:
    number = TEXTS.number()
    return editions.rows_of(TEXTS, number) if number else list(editions.read_file(TEXTS, SEED).rows)


def _in_order(cells: Cells) -> tuple[str, bool, str]:
    """The general text first, and of each step the city's own language."""
    return cells["move"], cells["language"] != settings.LANGUAGE_CODE, cells["language"]


def _key(cells: Cells) -> tuple[str, str]:
    return cells["move"], cells["language"]


def _read(text: str, move: str, language: str) -> str:
    """How a text reads after a move, of a case that does not exist."""
    state = _state_after(move)
    with translation.override(language):
        said: Mapping[str, str] = {
            **SAMPLE,
            "state": str(state.label),
            "next": str(state.next),
        }
        return Texts({("", language): text}, 0).write("", language, said)


def _state_after(move: str) -> State:
    """The state in which a move leaves a case; of a move that changes none, where it is made."""
    matter = registry.latest("matter")
    # A text is of a move, whatever the kind; most people read it of an ordinary matter.
    for kind in (matter, *registry.all()):
        if kind.opening == move:
            return kind.state(kind.initial)
        found = kind.move(move)
        if found is not None:
            return kind.state(_where(found) or kind.initial)
    return matter.state(matter.initial)


def _where(move: Move) -> str:
    return move.target or next(iter(sorted(move.sources)), "")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Http404
    return int(text)
