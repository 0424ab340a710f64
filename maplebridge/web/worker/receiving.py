"""The server's end of the outbox: entries of a phone, their photos in pieces, and its standing.

Everything may be sent again: the id of an entry is its idempotency key, and a known one is answered
with what it became the first time. A report's key is of no account, so that an entry handed over to
another phone stays one case.

Forged requests: these addresses answer scripts of this site only. Django asks for its token in a
header, which no form of another site can set; `standing` gives the token to whoever may read its
answer, and that is this site's own origin, because no CORS header is ever sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
)
from django.middleware.csrf import get_token
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine, wall
from maplebridge.cases.models import Attachment, Case, Event, Payload
from maplebridge.connectors.storage import DIGEST, NotKept, keep_photo
from maplebridge.journey.intake import MOST_PHOTOS, Report, ReportRefused, take_in
from maplebridge.lib import text as words
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.web.parts import limits, moves
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.worker import chunks, devices, shown

P = ParamSpec("P")
# Reports of an outbox belong to no account: sent from two phones they are one.
CHANNEL, ACCOUNT = devices.CHANNEL, "outbox"
MOST_BODY_BYTES = 256 * 1024
NUMBERS = ("lon", "lat", "accuracy_metres")
SAID = ("text", "title", "place")
SEQUENCE = re.compile(r"[0-9]{1,9}")
NO_SEQUENCE = -1
REDIRECTED = 302
NO_CASE = UUID(int=0)


class _Wrong(Exception):
    """An entry that no outbox of ours would send; its text is a sentence."""


@dataclass(frozen=True)
class Entry:
    """One entry of an outbox. at: by the phone's own clock, as it says."""

    id: UUID
    account_id: UUID
    kind: str
    photos: tuple[str, ...]
    at: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    case: UUID = NO_CASE
    move: str = ""


def on_a_phone(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Gives the view its actor; says in JSON what stands in the way, as a script understands it.

    403 with `wipe` for a phone that was signed off, signed in or not; 401 for who is signed out or
    lacks a second factor.
    """
    entered = at_a_desk(view)

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        account_id = request.user.pk if request.user.is_authenticated else None
        try:
            devices.present(request, account_id)
        except devices.Revoked:
            said = _("This phone was signed off. What it kept is wiped.")
            return _answer({"ok": False, "wipe": True, "detail": said}, 403)
        signed_out = {"ok": False, "detail": _("Please sign in; nothing is lost.")}
        if account_id is None:
            return _answer(signed_out, 401)
        try:
            answer = entered(request, *args, **kwargs)
        except PermissionDenied:
            said = _("This account holds no post today. What was entered stays on the phone.")
            return _answer({"ok": False, "detail": said}, 403)
        if answer.status_code == REDIRECTED:
            return _answer(signed_out, 401)
        return answer

    return asked


def _answer(said: Mapping[str, Any], status: int = 200) -> JsonResponse:
    answer = JsonResponse(dict(said), status=status)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
@on_a_phone
def standing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Whether this phone may go on keeping work, and the token with which its outbox sends."""
    device = devices.present(request, actor.account_id)
    said = {
        "ok": True,
        "device": str(device.pk) if device else None,
        "keeper": shown.keeper_of(actor),
        "token": get_token(request),
    }
    answer = _answer(said)
    # A browser that lost its cookie gets one, and is noted the next time.
    limits.remember_device(request, answer)
    return answer


# -- photos ----------------------------------------------------------------------------------


@require_http_methods(["GET", "PUT"])
@on_a_phone
def part(request: HttpRequest, actor: Actor, sha256: str) -> HttpResponse:
    """How much of a photo is here; or takes a piece: ?from= its first byte, ?of= the whole."""
    if actor.account_id is None or not DIGEST.fullmatch(sha256):
        return _answer({"detail": _("A photo is named by its checksum.")}, 400)
    if request.method == "GET":
        lacks = chunks.lacking(actor.account_id, [sha256])
        return _answer({"received": lacks[sha256], "whole": False} if lacks else {"whole": True})
    begin, total = request.GET.get("from", ""), request.GET.get("of", "")
    if not SEQUENCE.fullmatch(begin) or not SEQUENCE.fullmatch(total):
        return _answer({"detail": _("Say from which byte on, and of how many.")}, 400)
    # One byte more than may be taken is enough to see that it is too much.
    piece = request.read(chunks.MOST_PIECE_BYTES + 1)
    try:
        here = chunks.add(actor.account_id, sha256, piece, int(begin), int(total))
    except chunks.NotTaken as wrong:
        status = {chunks.OutOfPlace: 409, chunks.TooLarge: 413, chunks.NoRoom: 429}
        said = {"detail": str(wrong), "received": wrong.received}
        return _answer(said, status.get(type(wrong), 422))
    return _answer({"received": here})


# -- entries ---------------------------------------------------------------------------------


@require_POST
@on_a_phone
def outbox(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Takes one entry, or says what it became when it came before."""
    if actor.account_id is None or not shown.is_outside(actor):
        raise PermissionDenied
    body = request.read(MOST_BODY_BYTES + 1)
    if len(body) > MOST_BODY_BYTES:
        return _answer({"detail": _("The entry is too long. Please shorten the text.")}, 413)
    try:
        said = json.loads(body)
        entry = _entry(said, actor.account_id)
    except (ValueError, TypeError, KeyError, _Wrong):
        return _answer({"detail": _("This is no entry of an outbox.")}, 400)
    if said.get("keeper") != shown.keeper_of(actor):
        detail = _("This was entered under another account or post. Sign in as before to send it.")
        return _answer({"detail": detail, "keeper": False}, 409)
    return _move(entry, actor) if entry.kind == "move" else _report(request, entry, actor)


def _entry(said: Mapping[str, Any], account_id: UUID) -> Entry:
    photos = tuple(dict.fromkeys(str(sha256) for sha256 in said["photos"]))
    fields = {str(name): value for name, value in dict(said["fields"]).items()}
    fit = all(isinstance(value, str | int | float | list) for value in fields.values())
    if said["kind"] not in ("report", "move") or not fit:
        raise _Wrong
    if len(photos) > MOST_PHOTOS or not all(map(DIGEST.fullmatch, photos)):
        raise _Wrong
    is_move = said["kind"] == "move"
    at = parse_datetime(str(said.get("at", "")))
    return Entry(
        id=UUID(said["id"]),
        account_id=account_id,
        kind=said["kind"],
        photos=photos,
        at=at.isoformat() if at else "",
        fields=fields,
        case=UUID(said["case"]) if is_move else NO_CASE,
        move=str(said["move"]) if is_move else "",
    )


def _taken(
    entry: Entry, case: Case, photos: int, *, fresh: bool, same: bool | None
) -> HttpResponse:
    """200 with the number. same: whether what was sent now is what was taken, as far as known."""
    said = {
        "id": str(entry.id),
        "number": case.number,
        "case": str(case.pk),
        "state": case.state,
        "state_label": str(case.now.label),
        "photos": photos,
        "fresh": fresh,
        "same": same,
    }
    return _answer(said)


def _photos(entry: Entry) -> tuple[engine.Photo, ...] | HttpResponse:
    """The photos, kept for good; else 202 with what is still lacking, or 422."""
    lacking = chunks.lacking(entry.account_id, entry.photos)
    if lacking:
        return _answer({"detail": _("Photos are still on the way."), "missing": lacking}, 202)
    found = []
    for sha256 in entry.photos:
        try:
            kept = keep_photo(chunks.whole(entry.account_id, sha256))
        except NotKept as wrong:
            return _refused({"photos": str(wrong)})
        found.append(engine.Photo(kept.sha256, kept.media_type, kept.size))
    return tuple(dict.fromkeys(found))


def _refused(problems: Mapping[str, str]) -> HttpResponse:
    return _answer({"detail": " ".join(problems.values()), "problems": dict(problems)}, 422)


def _report(request: HttpRequest, entry: Entry, actor: Actor) -> HttpResponse:
    said = {name: str(entry.fields.get(name, "")) for name in SAID}
    before = _reported(entry, said)
    if before is not None:
        return before
    photos = _photos(entry)
    if isinstance(photos, HttpResponse):
        return photos
    try:
        point = _numbers(entry.fields)
        limits.spend_report(request, entry.account_id)
        receipt = take_in(
            Report(
                channel=CHANNEL,
                account=ACCOUNT,
                key=str(entry.id),
                photos=photos,
                area_code=actor.area_code,
                actor=actor,
                extra={"told_at": entry.at} if entry.at else {},
                text=said["text"],
                title=said["title"],
                place=said["place"],
                **point,
            )
        )
    except ReportRefused as wrong:
        return _refused(wrong.problems)
    except limits.TooMany as full:
        answer = _answer({"detail": limits.sentence(limits.REPORT_WAITS, full)}, 429)
        answer["Retry-After"] = str(full.seconds)
        return answer
    chunks.forget(entry.account_id, entry.photos)
    with wall.standing(SYSTEM):
        case = Case.objects.get(pk=receipt.case_id)
    return _taken(entry, case, len(photos), fresh=receipt.fresh, same=True)


def _reported(entry: Entry, said: Mapping[str, str]) -> HttpResponse | None:
    """What a report became that came before. Nobody without its id can ask."""
    case_id = engine.case_id_for(CHANNEL, ACCOUNT, str(entry.id))
    with wall.standing(SYSTEM):
        case = Case.objects.filter(pk=case_id).first()
        if case is None:
            return None
        payload = Payload.objects.filter(case_id=case_id, sequence=1, part="words").first()
        photos = Attachment.objects.filter(case_id=case_id, sequence=1).count()
    kept = (payload.content or {}) if payload else {}
    now = {
        "title": words.normalise(said["title"]),
        "text": words.printable(said["text"]),
        "place": words.normalise(said["place"]),
    }
    same = all(kept.get(name, "") == value for name, value in now.items())
    return _taken(entry, case, photos, fresh=False, same=same)


def _numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in NUMBERS:
        told = str(fields.get(name, "")).strip()
        try:
            found[name] = float(told) if told else None
        except ValueError:
            wrong = _("The place could not be read. Please choose it again.")
            raise ReportRefused({"place": wrong}) from None
    return found


def _move(entry: Entry, actor: Actor) -> HttpResponse:
    key = f"outbox:{entry.id}"
    made = _made(entry, key)
    if made is not None:
        return made
    case = Case.objects.visible_to(actor).filter(pk=entry.case).first()
    declared = case.pinned_kind.move(entry.move) if case else None
    if case is None or declared is None or not declared.plain:
        gone = _("This matter is not, or no longer, yours to work on. What you entered stays here.")
        return _answer({"detail": gone}, 404)
    if entry.move not in shown.FITS_A_PHONE:
        return _answer({"detail": _("This is done at a desk, not from a phone.")}, 404)
    photos = _photos(entry)
    if isinstance(photos, HttpResponse):
        return photos
    said = QueryDict(mutable=True)
    for name, value in entry.fields.items():
        said.setlist(name, [str(v) for v in value] if isinstance(value, list) else [str(value)])
    try:
        engine.move(
            case.pk,
            entry.move,
            actor,
            key=key,
            expected_sequence=_sequence(entry.fields),
            facts=moves.facts_from(declared, said, Case.objects.visible_to(actor)),
            photos=photos,
        )
    except engine.FactsError as wrong:
        return _refused(wrong.problems)
    except (engine.StaleCase, engine.NotAllowed) as stale:
        return _answer({"detail": str(stale), "theirs": _theirs(actor, case.pk)}, 409)
    except engine.Refused as refused:
        return _answer({"detail": str(refused)}, 422)
    chunks.forget(entry.account_id, entry.photos)
    with wall.standing(SYSTEM):
        case = Case.objects.get(pk=case.pk)
    return _taken(entry, case, len(photos), fresh=True, same=True)


def _made(entry: Entry, key: str) -> HttpResponse | None:
    """What a move became that came before, from whatever phone; by its id, which nobody guesses.

    A move may take the case out of its maker's sight, so this is asked before the gate.
    """
    with wall.standing(SYSTEM):
        event = Event.objects.filter(case_id=entry.case, key=key, move=entry.move).first()
        if event is None:
            return None
        case = Case.objects.get(pk=entry.case)
    return _taken(entry, case, len(event.facts.get("photos", ())), fresh=False, same=None)


def _sequence(fields: Mapping[str, Any]) -> int | None:
    told = str(fields.get("expected_sequence", ""))
    if not told:
        return None
    return int(told) if SEQUENCE.fullmatch(told) else NO_SEQUENCE


def _theirs(actor: Actor, case_id: UUID) -> dict[str, Any] | None:
    """The case as it stands now, as far as the actor may see it."""
    case = Case.objects.visible_to(actor).filter(pk=case_id).first()
    if case is None:
        return None
    return {
        "sequence": case.sequence,
        "state": case.state,
        "state_label": str(case.now.label),
        "changed_at": case.changed_at.isoformat(),
    }
