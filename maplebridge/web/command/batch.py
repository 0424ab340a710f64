"""One move for many cases: each is moved or refused by itself, and the page says which."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from maplebridge.cases import engine, looks
from maplebridge.cases.kinds import FREE, Effect, Kind, Move, Type, Who
from maplebridge.cases.models import Assignment, Case
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.parts import moves
from maplebridge.web.parts.asked import form_key, move_key
from maplebridge.web.parts.desk import at_a_desk

MOST = 50
# Whose turn it must be: who answers, leads, was asked, stands above, or looks after the place.
# Verifying and closing look at one case; a rating is its reporter's.
TOGETHER = frozenset({Who.OWNER, Who.LEAD, Who.WORKING, Who.ASKED, Who.ABOVE, Who.AREA, Who.SEES})
# What a case is taken in, passed on, asked about or reminded of by; every other effect settles
# something.
PASSED_ON = frozenset(
    {
        Effect.ASSIGN_LEAD, Effect.ASSIGN_ASSIST, Effect.FILE, Effect.SIGN, Effect.DELEGATE,
        Effect.ESCALATE, Effect.SUMMON, Effect.ATTEND, Effect.ASK_ADVICE, Effect.SEND_COPY,
        Effect.READ_COPY, Effect.SUPERVISE, Effect.KEEP_SIGHT, Effect.TAKE_NOTE, Effect.EXPEDITE,
        Effect.MARK_LEGACY,
    }
)  # fmt: skip
# What only fits one case: its twin, its place, its kind, its own photos.
OF_ONE_CASE = frozenset({Type.CASE, Type.AREA, Type.CATEGORY, Type.CODE, Type.CODES})


@dataclass(frozen=True)
class Outcome:
    """What became of one case. refused: why it was not moved; empty when it was."""

    row: rows.Row
    refused: str = ""


@dataclass(frozen=True)
class WrongForm:
    """No case was moved: what is wrong, by field."""

    problems: Mapping[str, str]


def may_be_made_together(kind: Kind, move: Move) -> bool:
    """Whether a move may be made for many cases at once: it takes in, passes on, asks or reminds.

    Never what ends a case, finds or reports something, rules, says no or stops a clock: whoever
    decides that looks at that one case. Nor what needs something that fits one case only.
    """
    after = kind.state(move.target) if move.target is not None else None
    settles = after is not None and (after.ended or bool(after.pauses))
    asked = {need.type for need in move.needs if need.required}
    finds = Type.CHOICE in asked or (after is not None and bool(asked & FREE))
    return (
        move.plain
        and move.who in TOGETHER
        and move.name not in moves.GRAVE
        and not (settles or move.stops or move.renews)
        and set(move.effects) <= PASSED_ON
        and (bool(move.effects) or not finds)
        and not any(need.type in OF_ONE_CASE or need.among for need in move.needs)
    )


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def batch(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The chosen cases, the moves all of them allow, the form of one, and what became of each.

    Cases out of sight are not named. Sending a form twice moves nothing twice: each case has a key
    of its own, drawn from the form's.
    """
    said = request.POST if request.method == "POST" else request.GET
    chosen = _chosen(actor, said)
    found = chosen[:MOST]
    shared = _shared(actor, found)
    declared = next((move for move in shared if move.name == said.get("move", "")), None)
    shown: dict[str, Any] = {
        "here": "queue",
        "rows": rows.rows_of(actor, found),
        "moves": shared,
        "too_many": len(chosen) > MOST,
        "most": MOST,
        "move": declared,
        "key": form_key(request.POST) if request.method == "POST" else str(uuid.uuid4()),
    }
    status = 200
    if request.method == "POST":
        move = declared or _known(found, said.get("move", ""))
        if move is None:
            raise Http404
        shown["move"] = move
        outcomes = _made(request, actor, found, move)
        if isinstance(outcomes, WrongForm):
            status = 422
            shown["fields"] = moves.draw(move, found[0], actor, request.POST, outcomes.problems)
            shown["headline"] = _(
                "Not saved yet. Please look at the marked fields; all you typed is still here."
            )
        else:
            now = Case.objects.visible_to(actor).in_bulk([case.pk for case in found])
            drawn = rows.rows_of(actor, [now.get(case.pk, case) for case in found])
            shown["outcomes"] = [Outcome(row, outcomes[row.case.pk]) for row in drawn]
            shown["done"] = sum(not refused for refused in outcomes.values())
    elif declared is not None:
        shown["fields"] = moves.draw(declared, found[0], actor)
    answer = render(request, "command/batch.html", shown, status=status)
    looks.note_list(actor, found)
    return answer


def _chosen(actor: Actor, said: QueryDict) -> list[Case]:
    """The marked cases this actor sees, each once, in the order they were marked."""
    asked: list[UUID] = []
    for text in said.getlist("case")[: MOST * 2]:
        try:
            asked.append(UUID(text))
        except ValueError:
            continue
    seen = Case.objects.visible_to(actor).in_bulk(list(dict.fromkeys(asked)))
    return [seen[one] for one in dict.fromkeys(asked) if one in seen]


def _shared(actor: Actor, found: Sequence[Case]) -> list[Move]:
    """The moves that every one of the cases offers this actor and that may be made together."""
    shares: dict[UUID, list[Assignment]] = {case.pk: [] for case in found}
    for share in Assignment.objects.filter(case_id__in=list(shares)).order_by("number"):
        shares[share.case_id].append(share)
    shared: list[Move] | None = None
    for case in found:
        here = [
            move
            for move in moves.offered(actor, case, shares[case.pk])
            if may_be_made_together(case.pinned_kind, move)
        ]
        shared = here if shared is None else [move for move in shared if move in here]
    return shared or []


def _known(found: Sequence[Case], name: str) -> Move | None:
    """A move that was shared when the form was drawn, though a case has gone on since."""
    for case in found:
        move = case.pinned_kind.move(name)
        if move is not None and may_be_made_together(case.pinned_kind, move):
            return move
    return None


def _made(
    request: HttpRequest, actor: Actor, found: Sequence[Case], move: Move
) -> dict[UUID, str] | WrongForm:
    """Makes the move for each case: why not, by its id; or what is wrong with the form itself.

    In the order of ids, so that two batches never wait for each other.
    """
    facts = moves.facts_from(move, request.POST, Case.objects.visible_to(actor))
    base = uuid.uuid5(uuid.NAMESPACE_OID, move_key(request.POST))
    made: dict[UUID, str] = {}
    for case in sorted(found, key=lambda one: one.pk):
        drawn = request.POST.get(f"sequence-{case.pk}", "")
        try:
            engine.move(
                case.pk,
                move.name,
                actor,
                key=f"form:{uuid.uuid5(base, str(case.pk))}",
                expected_sequence=int(drawn) if drawn.isdecimal() and len(drawn) < 10 else None,
                facts=dict(facts),
            )
        except engine.FactsError as wrong:
            if not made and set(wrong.problems) & {need.name for need in move.needs}:
                return WrongForm(wrong.problems)
            made[case.pk] = " ".join(wrong.problems.values())
        except engine.Refused as refused:
            made[case.pk] = str(refused)
        else:
            made[case.pk] = ""
    return made
