"""Cut off: one node at a time holds the right to write a case, lent with a date, brought home.

A township that will be without a line works on an instance of its own. Home lends it the open
cases of its area until a date; from then on home reads them and leaves notes. What happened comes
back in a file: events that follow home's last one are taken as they stand, and whatever was
written beside that chain joins as new events. A file taken in twice changes nothing. Reasons:
docs/decisions/cut-off.md.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from maplebridge.cases import chain, engine, permissions, timers, wall
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import (
    Case,
    Doomed,
    Event,
    Feed,
    FeedCursor,
    FeedFailure,
    Lease,
    LeftNote,
    Payload,
    Request,
    Seal,
    Timer,
)
from maplebridge.lib import ids
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Account, Area, Edition, Holding, Post, Shift, Unit
from maplebridge.organisation.people import SYSTEM, Actor, Role

HOURS = 96
LONGEST_NOTE = 2000
VERSION = 1
# Rows of one event, by its number; of what happened after a case was lent only the newer ones come.
BY_SEQUENCE = ("cases_event", "cases_payload", "cases_seal", "cases_attachment")
OF_A_LEASE = (Aside.LEND, Aside.RETURN, Aside.RECALL)
# What a node counts, rings and sends for itself, and what residents ask of home alone.
STAYS = {
    model._meta.db_table for model in (Case, Feed, FeedCursor, FeedFailure, Timer, Request, Doomed)
} | {
    "journey_pushsubscription", "insight_counted", "parts_draft", "parts_openpage",
}  # fmt: skip


class LeaseRefused(Exception):
    """Nothing was changed; the text is a sentence for whoever asked."""


@dataclass(frozen=True)
class Header:
    """What a file is: which lease, from which area's node to which, and whether the right goes
    along, until when (ISO 8601, empty without an end)."""

    lease: str
    giver: str
    taker: str
    gives_right: bool
    until: str
    made_at: str
    version: int = VERSION


@dataclass
class Taken:
    """What came of a file: cases that were new, went on, had to join as notes, or were known."""

    opened: int = 0
    went_on: int = 0
    joined: int = 0
    known: int = 0
    events: int = 0
    notes: int = 0


Rows = dict[str, list[dict[str, Any]]]


# -- lending --------------------------------------------------------------------------------


def lend(area_code: str, giver: str, hours: float = HOURS) -> tuple[Header, Rows]:
    """Lends the open cases of an area to its own node; returns what the node needs.

    Sealed hand-offs (C2) stay. Asked again while the lease runs, the same is written once more.
    Raises LeaseRefused.
    """
    if not Area.objects.filter(pk=area_code).exists():
        raise LeaseRefused(_("There is no area %(code)s.") % {"code": area_code})
    if area_code == giver:
        raise LeaseRefused(_("An area cannot lend to itself; name the area that will be cut off."))
    with transaction.atomic():
        running = Lease.objects.filter(over_at=None)
        lease = running.filter(taker=area_code).first()
        if lease is None:
            if next((one for one in running if _touch(one.taker, area_code)), None):
                raise LeaseRefused(_("A part of this area, or one around it, is lent already."))
            begins = now()
            lease = Lease.objects.create(
                giver=giver, taker=area_code, given=True, begins_at=begins,
                ends_at=begins + dt.timedelta(hours=hours),
            )  # fmt: skip
            until = lease.ends_at.isoformat()
            facts = {"lease": str(lease.pk), "to": area_code, "until": until}
            for case_id in _lendable(area_code):
                engine.aside(case_id, Aside.LEND, SYSTEM, key=f"lend:{lease.pk}", facts=facts)
                timers.disarm(case_id)
                lease.cases += 1
            lease.save(update_fields=["cases"])
    header = _header(lease, giver, area_code, gives_right=True)
    lent = Case.objects.filter(lent_to=area_code)
    return header, {**_reference(area_code), **_rows_of(lent)}


def _lendable(area_code: str) -> list[UUID]:
    found = Case.objects.open().inside(area_code).filter(lent_to="", lent_until=None)
    found = found.exclude(confidentiality=Confidentiality.C2)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _touch(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def bring(*, end: bool) -> tuple[Header, Rows]:
    """What happened at this node since it took a lease; end: the right goes back with it.

    Asked again after the end, the same is written once more. Raises LeaseRefused.
    """
    lease = Lease.objects.filter(given=False).order_by("-begins_at").first()
    if lease is None:
        raise LeaseRefused(_("This node was lent nothing."))
    with transaction.atomic():
        # Whatever this node may write: what it was lent, and what was opened here since.
        mine = Case.objects.filter(lent_to="").order_by("pk")
        if end and lease.over_at is None:
            facts = {"lease": str(lease.pk), "to": lease.giver}
            for case_id in list(mine.values_list("pk", flat=True)):
                engine.aside(case_id, Aside.RETURN, SYSTEM, key=f"return:{lease.pk}", facts=facts)
                timers.disarm(case_id)
            lease.over_at = now()
            lease.save(update_fields=["over_at"])
        back = Event.objects.filter(case_id=models.OuterRef("pk"), key=f"return:{lease.pk}")
        whose = Case.objects.filter(models.Exists(back)) if lease.over_at else mine
        header = _header(lease, lease.taker, lease.giver, gives_right=lease.over_at is not None)
        return header, {**_rooms(lease.taker), **_rows_of(whose)}


def notes(area_code: str) -> tuple[Header, Rows]:
    """The notes left here about cases that an area's node writes, to be carried there."""
    lease = Lease.objects.filter(given=True, taker=area_code, over_at=None).first()
    if lease is None:
        raise LeaseRefused(_("Nothing is lent to %(area)s.") % {"area": area_code})
    header = _header(lease, lease.giver, area_code, gives_right=False)
    left = LeftNote.objects.filter(permissions.within("area_code", area_code), joined=False)
    return header, {"cases_leftnote": _read(LeftNote, left)}


def recall(area_code: str) -> int:
    """Takes the right back when its time is over; returns of how many cases. Raises LeaseRefused.

    What the node wrote before and brings later joins as notes, if home has written meanwhile.
    """
    with transaction.atomic():
        lease = Lease.objects.select_for_update().filter(given=True, taker=area_code, over_at=None)
        found = lease.first()
        if found is None:
            raise LeaseRefused(_("Nothing is lent to %(area)s.") % {"area": area_code})
        if found.ends_at > now():
            raise LeaseRefused(
                _("The right is lent until %(until)s; it cannot be taken back before.")
                % {"until": found.ends_at.isoformat(timespec="minutes")}
            )
        away = list(Case.objects.filter(lent_to=area_code).values_list("pk", flat=True))
        for case_id in away:
            engine.aside(
                case_id, Aside.RECALL, SYSTEM, key=f"recall:{found.pk}",
                facts={"lease": str(found.pk), "to": ""},
            )  # fmt: skip
            _join_notes(case_id)
        found.over_at = now()
        found.save(update_fields=["over_at"])
        timers.arm_missing()
    return len(away)


def covers(area_code: str) -> Lease | None:
    """The lease under which another node works for an area now, if one does."""
    running = Lease.objects.filter(given=True, over_at=None)
    return next((one for one in running if area_code.startswith(one.taker)), None)


def works_alone() -> bool:
    """Whether this node works under a lease: home tells reporters, this one sends nothing."""
    return Lease.objects.filter(given=False, over_at=None).exists()


# -- notes ----------------------------------------------------------------------------------


def leave_note(case: Case, actor: Actor, text: str, key: str) -> LeftNote:
    """Keeps what somebody has to say about a case that another node writes.

    Whether the actor sees the case is asked before. The same key again returns the first.
    Raises LeaseRefused.
    """
    said = text.strip()
    if not said or len(said) > LONGEST_NOTE:
        raise LeaseRefused(
            _("Write the note, in at most %(most)d characters.") % {"most": LONGEST_NOTE}
        )
    if not case.lent_to:
        raise LeaseRefused(_("This case is written here; make a move instead of leaving a note."))
    if not engine.KEY.fullmatch(key):
        raise LeaseRefused(_("The key of a request has 1 to 120 characters, none of them unseen."))
    note, _fresh = LeftNote.objects.get_or_create(
        case_id=case.pk, key=key,
        defaults={
            "area_code": case.area_code, "account_id": actor.account_id, "role": actor.role,
            "unit_code": actor.unit_code, "text": said, "at": now(),
        },
    )  # fmt: skip
    return note


def left_notes(case: Case) -> list[LeftNote]:
    """The notes about a case that wait to join, oldest first."""
    return list(LeftNote.objects.filter(case_id=case.pk, joined=False).order_by("at", "note_id"))


def _join_notes(case_id: UUID) -> int:
    """Hangs the notes left about a case on its chain, each once; the case must be written here."""
    done = 0
    for note in LeftNote.objects.filter(case_id=case_id, joined=False).order_by("at", "note_id"):
        actor = Actor(Role(note.role), note.account_id, note.unit_code)
        engine.aside(
            case_id, Aside.JOIN, actor, key=f"note:{note.note_id}",
            facts={"said_at": note.at.isoformat()}, words={"note": note.text},
        )  # fmt: skip
        note.joined = True
        note.save(update_fields=["joined"])
        done += 1
    return done


# -- taking in ------------------------------------------------------------------------------


def take(header: Header, rows: Rows, say: Callable[[str], None] = lambda _line: None) -> Taken:
    """Takes a file in: at a node what home lent it, at home what a node brings, or notes.

    One transaction; a file that was taken in before changes nothing. Raises LeaseRefused.
    """
    if header.version != VERSION:
        raise LeaseRefused(
            _("The file is of another version of the platform; update the older one first.")
        )
    with transaction.atomic(), wall.standing(SYSTEM):
        here = _lease_of(header)
        for table, found in rows.items():
            if table in ("cases_case", *BY_SEQUENCE) or table in _of_a_case():
                continue
            _write(_model(table), found)
        _same_editions(rows)
        taken = Taken()
        by_case = _by_case(rows)
        for n, row in enumerate(rows.get("cases_case", []), start=1):
            _take_case(header, here, row, by_case.get(row["id"], {}), taken)
            if n % 200 == 0:
                say(_("%(n)d cases") % {"n": n})
        noted = rows.get("cases_leftnote", [])
        if not header.gives_right and noted:
            _write(LeftNote, [row for row in noted if _is_known(row["case_id"])])
        for case_id in _with_notes():
            taken.notes += _join_notes(case_id)
        if header.gives_right and here.given:
            here.over_at = here.over_at or now()
            here.save(update_fields=["over_at"])
        timers.arm_missing()
    return taken


def _lease_of(header: Header) -> Lease:
    """The lease that a file belongs to; at the node that takes one it is written down first."""
    lease = Lease.objects.select_for_update().filter(pk=header.lease).first()
    if lease is None:
        if not header.gives_right or not header.until:
            raise LeaseRefused(_("This node knows nothing of the lease of this file."))
        lease = Lease.objects.create(
            pk=UUID(header.lease), giver=header.giver, taker=header.taker, given=False,
            begins_at=dt.datetime.fromisoformat(header.made_at),
            ends_at=dt.datetime.fromisoformat(header.until),
        )  # fmt: skip
    to = lease.giver if lease.given else lease.taker
    if header.taker != to:
        raise LeaseRefused(
            _("This file was made for the node of %(area)s.") % {"area": header.taker}
        )
    return lease


def _take_case(
    header: Header, lease: Lease, row: dict[str, Any], beside: Rows, taken: Taken
) -> None:
    """One case of a file: new here, going on from where it stands here, or written on both sides.

    A chain that follows our last event is taken as it stands; one that went another way is not
    mixed with ours: each of its events that we lack joins as a note.
    """
    theirs = sorted(beside.get("cases_event", []), key=lambda one: one["sequence"])
    own = Case.objects.select_for_update().filter(pk=row["id"]).first()
    held = {"lent_to": "", "lent_until": header.until or None}
    if own is None:
        _verify(row, theirs)
        _write(Case, [row | (held if header.gives_right else {"lent_to": header.giver})])
        _go_on(row, beside, 0, lease)
        taken.opened += 1
        taken.events += len(theirs)
        return
    if any(_hash(one) == bytes(own.last_hash) for one in theirs):
        fresh = [one for one in theirs if one["sequence"] > own.sequence]
        if fresh:
            _verify(row, theirs)
            away = {"lent_to": own.lent_to, "lent_until": _plain(own.lent_until)}
            _write(Case, [row | (held if header.gives_right else away)])
            _go_on(row, beside, own.sequence, lease)
            taken.went_on += 1
            taken.events += len(fresh)
        else:
            taken.known += 1
        return
    ours = {
        bytes(one) for one in Event.objects.filter(case_id=own.pk).values_list("hash", flat=True)
    }
    told = {
        f"note:{key}"
        for key in LeftNote.objects.filter(case_id=own.pk).values_list("note_id", flat=True)
    }
    beyond = [
        one for one in theirs
        if _hash(one) not in ours and one["move"] not in OF_A_LEASE and one["key"] not in told
    ]  # fmt: skip
    joined = [_join(own, one, beside, header) for one in beyond]
    taken.events += sum(joined)
    if any(joined):
        taken.joined += 1
    else:
        taken.known += 1


def _same_editions(rows: Rows) -> None:
    here = dict(Edition.objects.values_list("pk", "sha256"))
    for row in rows.get("organisation_edition", []):
        if here[(row["name"], row["number"])] != row["sha256"]:
            raise LeaseRefused(
                _(
                    "Edition %(number)d of the table %(name)s says something else here; the node of"
                    " an area begins with an empty database."
                )
                % {"name": row["name"], "number": row["number"]}
            )


def _verify(row: Mapping[str, Any], theirs: list[dict[str, Any]]) -> None:
    broken = chain.verify(
        Event(**{f.attname: _typed(f, one[f.name]) for f in Event._meta.local_concrete_fields})
        for one in theirs
    )
    whole = theirs and _bytes(row["last_hash"]) == _hash(theirs[-1])
    if broken or not whole:
        raise LeaseRefused(
            _("The chain of case %(number)s does not hold in this file; nothing was taken in.")
            % {"number": row["number"]}
        )


def _go_on(row: Mapping[str, Any], beside: Rows, after: int, lease: Lease) -> None:
    """The rows of a case that come with its newer events; at home their consequences follow."""
    for table, found in beside.items():
        newer = [one for one in found if table not in BY_SEQUENCE or one["sequence"] > after]
        _write(_model(table), newer)
    timers.disarm(UUID(row["id"]))
    if not lease.given:
        return
    Feed.objects.bulk_create(
        Feed(
            case_id=UUID(row["id"]), sequence=one["sequence"], area_code=one["area_code"],
            bucket=ids.bucket_of(UUID(row["id"])), kind=row["kind"], move=one["move"],
            to_state=one["to_state"], at=one["at"],
        )
        for one in beside.get("cases_event", [])
        if one["sequence"] > after
    )  # fmt: skip


def _join(own: Case, event: Mapping[str, Any], beside: Rows, header: Header) -> bool:
    """An event of the other side as a new one of ours: its words, photos, and where it stood."""
    key = f"joined:{_hash(event).hex()}"
    if Event.objects.filter(case_id=own.pk, key=key).exists():
        return False
    words: dict[str, Any] = {}
    for one in beside.get("cases_payload", []):
        if one["sequence"] == event["sequence"] and one["part"] == "words":
            words = one["content"] or {}
    photos = [
        engine.Photo(one["sha256"], one["media_type"], one["size"])
        for one in beside.get("cases_attachment", [])
        if one["sequence"] == event["sequence"]
    ]
    who = UUID(event["account_id"]) if event["account_id"] else None
    actor = Actor(Role(event["role"]), who, event["unit_code"])
    engine.aside(
        own.pk, Aside.JOIN, actor, key=key, words=words, photos=photos,
        facts={
            "from": header.giver, "said_at": event["at"], "move": event["move"],
            "to_state": event["to_state"], "hash": _hash(event).hex(), "said": event["facts"],
        },
    )  # fmt: skip
    return True


def _with_notes() -> list[UUID]:
    """Cases written here about which notes were left that no event bears yet."""
    waiting = LeftNote.objects.filter(joined=False).values("case_id")
    here = Case.objects.filter(pk__in=waiting, lent_to="").order_by("pk")
    return list(here.values_list("pk", flat=True))


def _is_known(case_id: str) -> bool:
    return Case.objects.filter(pk=case_id).exists()


# -- rows -----------------------------------------------------------------------------------


def _header(lease: Lease, giver: str, taker: str, *, gives_right: bool) -> Header:
    until = lease.ends_at.isoformat() if lease.given else ""
    made_at = lease.begins_at if lease.given else now()
    return Header(str(lease.pk), giver, taker, gives_right, until, made_at.isoformat())


def as_json(header: Header) -> str:
    """A header as one line of JSON."""
    return json.dumps(asdict(header))


def _model(table: str) -> type[models.Model]:
    found = {model._meta.db_table: model for model in apps.get_models()}.get(table)
    if found is None:
        raise LeaseRefused(
            _("This version of the platform has no table %(table)s.") % {"table": table}
        )
    return found


def _of_a_case() -> list[str]:
    """The tables whose rows go along with a case."""
    return [
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.db_table not in STAYS and _has(model, "case_id")
    ]


def _has(model: type[models.Model], name: str) -> bool:
    return any(field.attname == name for field in model._meta.local_concrete_fields)


def _rows_of(cases: models.QuerySet[Case]) -> Rows:
    chosen = list(cases.values_list("pk", flat=True))
    rows = {"cases_case": _read(Case, Case.objects.filter(pk__in=chosen))}
    for table in _of_a_case():
        model = _model(table)
        rows[table] = _read(model, model._default_manager.filter(case_id__in=chosen))
    return rows


def _reference(area_code: str) -> Rows:
    """What a node needs beside its cases: places, units, who works there, editions, its rooms."""
    inside = permissions.within("area_code", area_code)
    around = [area_code[:length] for length in (4, 6, 9) if length <= len(area_code)]
    areas = Area.objects.filter(permissions.within("code", area_code) | models.Q(pk__in=around))
    posts = Post.objects.filter(unit__in=Unit.objects.filter(inside))
    holdings = Holding.objects.filter(post__in=posts)
    # The rows above an area are those of its county: it answers to them.
    return {
        "organisation_area": _read(Area, areas),
        "organisation_unit": _read(Unit, Unit.objects.all()),
        "organisation_account": _read(
            Account, Account.objects.filter(pk__in=holdings.values("account_id"))
        ),
        "mfa_authenticator": _read(
            _model("mfa_authenticator"),
            _model("mfa_authenticator")._default_manager.filter(
                user_id__in=holdings.values("account_id")
            ),
        ),
        "organisation_post": _read(Post, posts),
        "organisation_holding": _read(Holding, holdings),
        "organisation_shift": _read(Shift, Shift.objects.filter(post__in=posts)),
        "organisation_edition": _read(Edition, Edition.objects.all()),
        **_rooms(area_code),
    }


def _rooms(area_code: str) -> Rows:
    """What applications and gauges keep about the area, beside cases."""
    inside = permissions.within("area_code", area_code)
    units = Unit.objects.filter(inside).values("code")
    rows: Rows = {}
    for model in _ordered():
        if _has(model, "area_code"):
            chosen = model._default_manager.filter(inside)
        elif _has(model, "unit_code"):
            chosen = model._default_manager.filter(unit_code__in=units)
        else:
            above = [
                (field.name, field.related_model._default_manager.filter(inside))
                for field in model._meta.local_concrete_fields
                if field.related_model is not None
                and field.related_model._meta.db_table in rows
            ]  # fmt: skip
            chosen = model._default_manager.all()
            for name, parents in above[:1]:
                chosen = chosen.filter(**{f"{name}__in": parents})
        rows[model._meta.db_table] = _read(model, chosen)
    return rows


def _ordered() -> list[type[models.Model]]:
    """The models of applications and gauges without a case, those that others point to first."""
    found = [
        model for model in apps.get_models()
        if not _has(model, "case_id")
        and (".applications." in model.__module__ or model._meta.app_label == "connectors")
    ]  # fmt: skip
    pointed = {
        field.related_model for model in found for field in model._meta.local_concrete_fields
        if field.related_model is not None and field.related_model is not model
    }  # fmt: skip
    return sorted(found, key=lambda model: (model not in pointed, model._meta.db_table))


def _read(model: type[models.Model], chosen: models.QuerySet[Any]) -> list[dict[str, Any]]:
    """Rows as PostgreSQL writes them in JSON, bytes as hexadecimal."""
    table = connection.ops.quote_name(model._meta.db_table)
    keys = list(chosen.values_list("pk", flat=True))
    if not keys:
        return []
    first = model._meta.pk_fields[0].column
    if len(model._meta.pk_fields) > 1:
        # All rows of a case, of which `chosen` has all or none.
        keys = list(dict.fromkeys(key[0] for key in keys))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) FROM {table} AS t WHERE t.{first} = ANY(%s)", [keys])
        return [row if isinstance(row, dict) else json.loads(row) for (row,) in cursor.fetchall()]


def _is_kept(model: type[models.Model]) -> bool:
    """Whether the rows of a table are added and never changed."""
    named = getattr(model._meta.app_config.models_module, "APPEND_ONLY", ())
    return model in (*named, Payload, Seal)


def _write(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as they stand elsewhere; one that is here is replaced, if such rows change."""
    found = list(rows)
    if not found:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = connection.ops.quote_name
    columns = [quoted(str(field.column)) for field in model._meta.local_concrete_fields]
    key = [quoted(str(field.column)) for field in model._meta.pk_fields]
    named = ", ".join(columns)
    given = f"jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
    said = [json.dumps(found)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({named}) SELECT {named} FROM {given} ON CONFLICT DO NOTHING",
            said,
        )
        others = [name for name in columns if name not in key]
        if _is_kept(model) or not others or cursor.rowcount == len(found):
            return
        changed = ", ".join(f"{name} = n.{name}" for name in others)
        same = " AND ".join(f"t.{name} = n.{name}" for name in key)
        cursor.execute(f"UPDATE {table} AS t SET {changed} FROM {given} AS n WHERE {same}", said)


def _by_case(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for table in _of_a_case():
        for row in rows.get(table, []):
            found.setdefault(row["case_id"], {}).setdefault(table, []).append(row)
    return found


def _bytes(said: str) -> bytes:
    return bytes.fromhex(said.removeprefix("\\x"))


def _hash(event: Mapping[str, Any]) -> bytes:
    return _bytes(event["hash"])


def _plain(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at else None


def _typed(field: models.Field[Any, Any], value: Any) -> Any:
    return _bytes(value) if isinstance(field, models.BinaryField) else field.to_python(value)
