"""The tables of the engine: case, event, payload, assignment, attachment, feed, timer, look ...

Every table here begins its key with the case id and carries the area code, so that all rows of
a case can live together on one machine of many. No table has a foreign key, trigger or
uniqueness that reaches over two cases. Only `engine` writes; `feed` moves its own cursors and
`timers` rings; `looks` notes who read.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.expressions import Func

from maplebridge.cases import permissions
from maplebridge.cases.grades import (
    GONE,
    Confidentiality,
    Duty,
    Level,
    Progress,
    Rung,
    Scale,
    Supervision,
    Urgency,
    Way,
    Wish,
)
from maplebridge.cases.kinds import Kind, State, registry
from maplebridge.lib import ids
from maplebridge.lib.clock import now
from maplebridge.organisation.models import code_field
from maplebridge.organisation.people import Actor


class CaseQuerySet(models.QuerySet["Case"]):
    """Questions about many cases. Every page, list and export starts from `visible_to`."""

    def visible_to(self, actor: Actor) -> CaseQuerySet:
        """The cases an actor may see; the rule stands in `permissions`."""
        assigned = Assignment.objects.filter(
            case_id=models.OuterRef("pk"), unit_code=actor.unit_code
        ).exclude(progress__in=GONE)
        granted = Grant.objects.filter(
            permissions.grants(actor, now()), case_id=models.OuterRef("pk")
        )
        visible = permissions.visible(actor, models.Exists(assigned), models.Exists(granted))
        return self.filter(visible)

    def open(self) -> CaseQuerySet:
        """Cases in which somebody owes work."""
        return self.filter(ended=False)

    def waiting_for(self, actor: Actor) -> CaseQuerySet:
        """Open cases that an actor has to move next; the rule stands in `permissions`."""
        return self.filter(permissions.waiting(actor), ended=False)

    def asked_of(self, actor: Actor) -> CaseQuerySet:
        """Open cases in which the actor's unit was asked for something and still owes it, were it
        only to read."""
        owed = Assignment.objects.filter(
            models.Q(due_at__isnull=False) | models.Q(duty=Duty.READ, progress=Progress.TO_SIGN),
            case_id=models.OuterRef("pk"),
            unit_code=actor.unit_code,
        )
        return self.filter(models.Exists(owed), ended=False)

    def inside(self, area_code: str) -> CaseQuerySet:
        """Cases in an area and below it."""
        return self.filter(permissions.within("area_code", area_code))


class Case(models.Model):
    """One matter: what is true of it now. How it came so stands in its events.

    unit_code: the one accountable unit. filer_code: the room that filed it (立案).
    place: lon, lat in WGS-84 with the datum it was given in. sequence: number of its last event.
    opened_at: when it was reported. late: a handling clock was or is exceeded.
    last_hash: hash of its last event. lent_to: the area whose own node alone may write it now,
    empty: this one. lent_until: until when a lent case may be written; docs in `leases`.
    """

    id = models.UUIDField(primary_key=True)
    area_code = code_field()
    kind = models.CharField(max_length=40)
    kind_version = models.IntegerField()
    number = models.CharField(max_length=40, db_index=True)
    query_code = models.CharField(max_length=16, db_index=True)
    state = models.CharField(max_length=24)
    ended = models.BooleanField(default=False)
    sequence = models.IntegerField(default=1)
    last_hash = models.BinaryField()
    channel = models.CharField(max_length=24)
    anonymous = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    unit_code = code_field(40)
    filer_code = code_field(40, default="", blank=True)
    category = models.CharField(max_length=8, default="", blank=True, db_collation="C")
    line = models.CharField(max_length=8, default="", blank=True)
    nature = models.CharField(max_length=16, default="", blank=True)
    confidentiality = models.CharField(max_length=2, default=Confidentiality.C1)
    sla_class = models.CharField(max_length=4, default="S4")
    suggested_unit = code_field(40, default="", blank=True)
    asks = ArrayField(models.CharField(max_length=12), default=list)
    lon = models.FloatField(null=True, default=None)
    lat = models.FloatField(null=True, default=None)
    datum = models.CharField(max_length=12, default="", blank=True)
    accuracy_metres = models.FloatField(null=True, default=None)
    level = models.CharField(max_length=4, default="", blank=True, choices=Level.choices)
    scale = models.CharField(max_length=12, default=Scale.INDIVIDUAL, choices=Scale.choices)
    urgency = models.CharField(max_length=12, default=Urgency.ORDINARY, choices=Urgency.choices)
    supervision = models.IntegerField(default=0, choices=Supervision.choices)
    supervision_tier = models.IntegerField(default=0)
    legacy = models.BooleanField(default=False)
    handed_to = models.CharField(max_length=8, default="", blank=True)
    question_count = models.IntegerField(default=0)
    return_count = models.IntegerField(default=0)
    ruled = models.BooleanField(default=False)
    rework_count = models.IntegerField(default=0)
    extension = models.CharField(max_length=12, default="", blank=True)
    reopen_count = models.IntegerField(default=0)
    appeal_count = models.IntegerField(default=0)
    handler_id = models.UUIDField(null=True, default=None)
    handler_unit = code_field(40, default="", blank=True)
    closed_at = models.DateTimeField(null=True, default=None)
    merged_into = models.UUIDField(null=True, default=None)
    rating = models.IntegerField(null=True, default=None)
    solved = models.BooleanField(null=True, default=None)
    due_at = models.DateTimeField(null=True, default=None)
    due_clock = models.CharField(max_length=16, default="", blank=True)
    late = models.BooleanField(default=False)
    due_provisional = models.BooleanField(default=False)
    synthetic = models.BooleanField(default=False)
    lent_to = code_field(default="", db_default="", blank=True)
    lent_until = models.DateTimeField(null=True, default=None)
    about_unit = code_field(40, default="", db_default="", blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["unit_code", "ended", "due_at", "id"], name="case_queue"),
            models.Index(fields=["area_code", "ended", "due_at", "id"], name="case_area"),
            models.Index(fields=["area_code", "opened_at"], name="case_opened"),
            models.Index(fields=["unit_code", "area_code"], name="case_beyond"),
            models.Index(fields=["due_at"], name="case_due", condition=models.Q(ended=False)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def pinned_kind(self) -> Kind:
        """The kind and version this case lives under."""
        return registry.pinned(self.kind, self.kind_version)

    @property
    def now(self) -> State:
        """The declared state the case is in."""
        return self.pinned_kind.state(self.state)

    def is_away(self, at: dt.datetime) -> bool:
        """Whether another node holds the right to write it, or this one's time to do so is over."""
        return bool(self.lent_to) or (self.lent_until is not None and self.lent_until <= at)

    def is_overdue(self, at: dt.datetime) -> bool:
        """Whether its running clock is past due."""
        return not self.ended and self.due_at is not None and self.due_at < at


class Event(models.Model):
    """One thing that happened to a case; never edited, never deleted.

    facts: structured facts without names or free words. key: idempotency key of the request.
    commitments: per payload part, SHA-256 over salt and content, so that the part can be erased
    and the chain still holds. hash covers this row and the previous event's hash.
    """

    pk = models.CompositePrimaryKey("case_id", "sequence")
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    area_code = code_field()
    move = models.CharField(max_length=32)
    from_state = models.CharField(max_length=24, default="", blank=True)
    to_state = models.CharField(max_length=24)
    role = models.CharField(max_length=16)
    account_id = models.UUIDField(null=True, default=None)
    unit_code = code_field(40, default="", blank=True)
    facts = models.JSONField(default=dict)
    commitments = models.JSONField(default=dict)
    key = models.CharField(max_length=120)
    at = models.DateTimeField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case_id", "key"], name="event_key_once_per_case"),
        ]
        indexes: ClassVar = [models.Index(fields=["move", "at"], name="event_move_at")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence} {self.move}"


class Payload(models.Model):
    """The names and free words of an event, apart from it, so that they can be erased.

    part: "words" or "reporter". salt and content are null once erased.
    """

    pk = models.CompositePrimaryKey("case_id", "sequence", "part")
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    part = models.CharField(max_length=12)
    area_code = code_field()
    salt = models.BinaryField(null=True)
    content = models.JSONField(null=True)
    erased_at = models.DateTimeField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence} {self.part}"


class Assignment(models.Model):
    """One unit's share of a case.

    since: when it came to its present progress. due_at, due_clock: the share's own clock, from
    `shares`; null while none runs. asked_by: the unit that asked for it. rating: 1 to 5, given to
    the unit by the one that asked. For the duty `receive` the unit is 110, 119 or 120.
    """

    pk = models.CompositePrimaryKey("case_id", "number")
    case_id = models.UUIDField()
    number = models.IntegerField()
    area_code = code_field()
    unit_code = code_field(40)
    duty = models.CharField(max_length=8, choices=Duty.choices)
    progress = models.CharField(max_length=12, choices=Progress.choices)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, default=None)
    due_at = models.DateTimeField(null=True, default=None)
    due_clock = models.CharField(max_length=16, default="", blank=True)
    asked_by = code_field(40, default="", blank=True)
    rating = models.IntegerField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["unit_code", "progress", "case_id"], name="assignment_unit"),
            models.Index(fields=["unit_code", "area_code"], name="assignment_beyond"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit_code} {self.duty}"


class Attachment(models.Model):
    """A photo, voice note or document of an event; the bytes lie in storage under their SHA-256."""

    pk = models.CompositePrimaryKey("case_id", "number")
    case_id = models.UUIDField()
    number = models.IntegerField()
    area_code = code_field()
    sequence = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=60)
    size = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.case_id} {self.number}"

    @property
    def is_voice(self) -> bool:
        """Whether it is listened to, not looked at."""
        return self.media_type.startswith("audio/")


class TransactionId(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's 64-bit transaction id, as text."""

    def db_type(self, connection: Any) -> str:
        """xid8."""
        return "xid8"


class CurrentTransaction(Func):
    """The id of the transaction that writes the row."""

    function = "pg_current_xact_id"
    output_field = TransactionId()


class Feed(models.Model):
    """One row for each event, in the event's own transaction: what the consequences start from.

    Read in the order (txid, case_id, sequence) within a bucket, and only below the oldest
    running transaction, so a late commit is never skipped. bucket = ids.bucket_of(case_id).
    """

    pk = models.CompositePrimaryKey("case_id", "sequence")
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    area_code = code_field()
    bucket = models.SmallIntegerField()
    txid = TransactionId(db_default=CurrentTransaction())
    kind = models.CharField(max_length=40)
    move = models.CharField(max_length=32)
    to_state = models.CharField(max_length=24)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["bucket", "txid", "case_id", "sequence"], name="feed_order"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence} {self.move}"


class FeedCursor(models.Model):
    """How far a reader has come in a bucket, and which worker holds it until when."""

    pk = models.CompositePrimaryKey("reader", "bucket")
    reader = models.CharField(max_length=24)
    bucket = models.SmallIntegerField()
    txid = TransactionId()
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    holder = models.CharField(max_length=60, default="", blank=True)
    held_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.reader} {self.bucket}"


class FeedFailure(models.Model):
    """A feed row that a reader could not carry out: how often it was tried, and what was said.

    Once left behind it stays here until an operator has looked at it.
    """

    pk = models.CompositePrimaryKey("case_id", "sequence", "reader")
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    reader = models.CharField(max_length=24)
    area_code = code_field()
    tries = models.IntegerField(default=0)
    said = models.CharField(max_length=400, default="", blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence} {self.reader}"


class Duration(models.Model):
    """How long a clock of an SLA class may run, from a date on.

    category: empty for the whole class, or a category code for a clock set by statute.
    amount with unit: "min", "h", "d" run through; "wh", "wd" run in working time.
    clause: the law or rule; checked: whether somebody has compared it with the source.
    """

    sla_class = models.CharField(max_length=4)
    category = models.CharField(max_length=8, default="", blank=True)
    clock = models.CharField(max_length=16)
    amount = models.IntegerField()
    unit = models.CharField(max_length=4)
    begins = models.DateField()
    clause = models.CharField(max_length=200, default="", blank=True)
    checked = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sla_class", "category", "clock", "begins"], name="duration_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sla_class} {self.category} {self.clock} {self.amount}{self.unit}"


class TimerQuerySet(models.QuerySet["Timer"]):
    """Questions about many timers."""

    def rung_for(self, actor: Actor) -> TimerQuerySet:
        """Clocks still running of which the actor's unit was told, in cases the actor may see."""
        seen = Case.objects.visible_to(actor).filter(pk=models.OuterRef("case_id"))
        told = self.filter(told__contains=[actor.unit_code], rung__gt=0)
        return told.filter(models.Exists(seen))


class Timer(models.Model):
    """A running clock of a case, or of a unit's share of it, and when it is to be told of next.

    share: 0 for the case itself, else the share's number. unit_code: the unit that owes the work.
    working: it counts in working time; hurried: its overdue rungs follow in hours, not in days.
    rung: the last that rang, 0 for none; rang_at: when that was planned. told: the units that know
    of it. about_unit: the unit complained about, which is never told. at: when the next rings,
    null after the last. bucket = ids.bucket_of(case_id).
    The row goes when the clock ends or stands still; only moves, and `timers`, write it.
    """

    pk = models.CompositePrimaryKey("case_id", "clock", "share")
    case_id = models.UUIDField()
    clock = models.CharField(max_length=16)
    share = models.IntegerField()
    area_code = code_field()
    bucket = models.SmallIntegerField()
    unit_code = code_field(40)
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    working = models.BooleanField()
    hurried = models.BooleanField()
    rung = models.SmallIntegerField(default=0)
    rang_at = models.DateTimeField(null=True)
    told = ArrayField(models.CharField(max_length=40), default=list)
    at = models.DateTimeField(null=True)
    about_unit = code_field(40, default="", db_default="", blank=True)

    objects = TimerQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["bucket", "at"], name="timer_next"),
            GinIndex(fields=["told"], name="timer_told", condition=models.Q(rung__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.clock} {self.share}"


class Alarm(models.Model):
    """A rung of a clock rang and one unit is told: once for each due time.

    unit_code: the unit that owes the work. told_unit: the unit that is told. planned_at: when it
    was to ring; rang_at: when it did. digest_id: the notice that told it, null until then.
    For URGED there is no clock, and due_at is the moment of the urging.
    """

    pk = models.CompositePrimaryKey("case_id", "clock", "share", "due_at", "rung", "told_unit")
    case_id = models.UUIDField()
    clock = models.CharField(max_length=16, blank=True)
    share = models.IntegerField()
    due_at = models.DateTimeField()
    rung = models.SmallIntegerField(choices=Rung.choices)
    told_unit = code_field(40)
    area_code = code_field()
    unit_code = code_field(40)
    planned_at = models.DateTimeField()
    rang_at = models.DateTimeField()
    digest_id = models.UUIDField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["told_unit"], name="alarm_untold", condition=models.Q(digest_id=None)
            ),
            models.Index(fields=["digest_id"], name="alarm_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.clock} {self.share} {self.rung} {self.told_unit}"


class Digest(models.Model):
    """One notice to a unit, telling of one alarm or of many. sent_at: null until it went out."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    unit_code = code_field(40)
    made_at = models.DateTimeField()
    count = models.IntegerField()
    sent_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["unit_code", "made_at"], name="digest_unit"),
            models.Index(
                fields=["made_at"], name="digest_unsent", condition=models.Q(sent_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_code} {self.count}"


class Look(models.Model):
    """Somebody read a C1 or C2 case: who, when, under which post, and how. Never its content.

    area_code, confidentiality: the case's, at that moment. reason: what was said when who
    reported was asked for. Added before the case is shown, never changed or removed.
    """

    pk = models.CompositePrimaryKey("case_id", "look_id")
    case_id = models.UUIDField()
    look_id = models.UUIDField(default=ids.new_id)
    area_code = code_field()
    confidentiality = models.CharField(max_length=2, choices=Confidentiality.choices)
    account_id = models.UUIDField(null=True, default=None)
    role = models.CharField(max_length=16)
    unit_code = code_field(40, default="", blank=True)
    way = models.CharField(max_length=8, choices=Way.choices)
    at = models.DateTimeField()
    reason = models.CharField(max_length=200, default="", db_default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at", "look_id"], name="look_at")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit_code} {self.way}"


class Seal(models.Model):
    """The data key under which the payload that says who reported is sealed; one for each.

    key_id: the key of the provider that wraps it. wrapped: null once destroyed; then nobody can
    ever read the payload, in no backup either. blind: keyed hash of the telephone number, for an
    exact match only; blind_key_id: its key.
    """

    pk = models.CompositePrimaryKey("case_id", "sequence")
    case_id = models.UUIDField()
    sequence = models.IntegerField()
    area_code = code_field()
    key_id = models.CharField(max_length=24)
    wrapped = models.BinaryField(null=True)
    blind = models.CharField(max_length=64, default="", blank=True)
    blind_key_id = models.CharField(max_length=24, default="", blank=True)
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["blind"], name="seal_blind", condition=~models.Q(blind="")),
            models.Index(fields=["key_id", "case_id"], name="seal_key"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence} {self.key_id}"


class Grant(models.Model):
    """Leave to read one case for a time: asked for by one person, ruled on by another.

    account_id, unit_code, role: to whom, under which post. reason: why it is asked for.
    given: null until ruled on by ruled_by; it holds from begins_at until before ends_at, unless
    revoked. It gives reading only, no move.
    """

    pk = models.CompositePrimaryKey("case_id", "grant_id")
    case_id = models.UUIDField()
    grant_id = models.UUIDField(default=ids.new_id)
    area_code = code_field()
    account_id = models.UUIDField()
    unit_code = code_field(40)
    role = models.CharField(max_length=16)
    reason = models.CharField(max_length=400)
    asked_at = models.DateTimeField()
    hours = models.IntegerField()
    given = models.BooleanField(null=True, default=None)
    ruled_by = models.UUIDField(null=True, default=None)
    ruled_at = models.DateTimeField(null=True, default=None)
    ruling = models.CharField(max_length=400, default="", blank=True)
    begins_at = models.DateTimeField(null=True, default=None)
    ends_at = models.DateTimeField(null=True, default=None)
    revoked_by = models.UUIDField(null=True, default=None)
    revoked_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account_id", "ends_at"], name="grant_account"),
            models.Index(fields=["asked_at", "grant_id"], name="grant_asked"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit_code}"


class Hold(models.Model):
    """A legal hold: nothing of the case is erased until it is lifted at `lifted_at`."""

    pk = models.CompositePrimaryKey("case_id", "hold_id")
    case_id = models.UUIDField()
    hold_id = models.UUIDField(default=ids.new_id)
    area_code = code_field()
    reason = models.CharField(max_length=400)
    account_id = models.UUIDField()
    unit_code = code_field(40)
    at = models.DateTimeField()
    lifted_by = models.UUIDField(null=True, default=None)
    lifted_at = models.DateTimeField(null=True, default=None)
    lifted_why = models.CharField(max_length=400, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.case_id} {self.at}"


class Request(models.Model):
    """What a reporter asked about the own personal data, and what became of it.

    answer: the sentence given back; done_at: null while it waits (for the end of the case, of a
    hold, or for a person).
    """

    pk = models.CompositePrimaryKey("case_id", "request_id")
    case_id = models.UUIDField()
    request_id = models.UUIDField(default=ids.new_id)
    area_code = code_field()
    wish = models.CharField(max_length=8, choices=Wish.choices)
    key = models.CharField(max_length=120)
    at = models.DateTimeField()
    answer = models.CharField(max_length=400, default="", blank=True)
    done_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case_id", "key"], name="request_key_once_per_case"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["at"], name="request_waiting", condition=models.Q(done_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.wish}"


class Destruction(models.Model):
    """A list of cases whose time is over: made by one person, agreed to by another, carried out.

    until: cases that ended before this day by the retention of their category. refused_at: sent
    back by the second pair of eyes.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    until = models.DateField()
    count = models.IntegerField()
    made_by = models.UUIDField()
    made_at = models.DateTimeField()
    agreed_by = models.UUIDField(null=True, default=None)
    agreed_at = models.DateTimeField(null=True, default=None)
    refused_at = models.DateTimeField(null=True, default=None)
    note = models.CharField(max_length=400, default="", blank=True)
    done_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(agreed_by=None) | ~models.Q(agreed_by=models.F("made_by")),
                name="destruction_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.area_code} {self.until} {self.count}"


class Doomed(models.Model):
    """A case on a destruction list. spared: why it was left out when the list was carried out."""

    pk = models.CompositePrimaryKey("case_id", "list_id")
    case_id = models.UUIDField()
    list_id = models.UUIDField()
    area_code = code_field()
    number = models.CharField(max_length=40)
    category = models.CharField(max_length=8, default="", blank=True)
    ended_at = models.DateTimeField()
    basis = models.CharField(max_length=200)
    destroyed_at = models.DateTimeField(null=True, default=None)
    spared = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["list_id", "case_id"], name="doomed_list")]

    def __str__(self) -> str:
        return f"{self.list_id} {self.number}"


class Lease(models.Model):
    """The right to write the open cases of an area, lent by one node to another until ends_at.

    giver, taker: areas that the two nodes serve. given: this node lent it. over_at: when the right
    came back or was taken back. cases: how many were lent.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    giver = code_field()
    taker = code_field()
    given = models.BooleanField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True, default=None)
    cases = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["taker"], condition=models.Q(over_at=None), name="lease_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.giver} {self.taker} {self.ends_at}"


class LeftNote(models.Model):
    """What somebody had to say about a case that another node writes; it joins as an event later.

    key: of the form. joined: it stands among the events.
    """

    pk = models.CompositePrimaryKey("case_id", "note_id")
    case_id = models.UUIDField()
    note_id = models.UUIDField(default=ids.new_id)
    area_code = code_field()
    account_id = models.UUIDField(null=True, default=None)
    role = models.CharField(max_length=16)
    unit_code = code_field(40)
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()
    key = models.CharField(max_length=120)
    joined = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case_id", "key"], name="left_note_once_per_case"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.at}"


# Rows the application's role may add but never change or remove.
APPEND_ONLY = (Event, Attachment, Feed, Look)
# Tables whose rows belong to one case; the rules of docs/decisions/many-machines.md hold here.
HOT = (Case, Event, Payload, Assignment, Attachment, Feed, Timer, Alarm, Look, Seal)
# The same, written by people now and then.
BESIDE = (Grant, Hold, Request, Doomed, LeftNote)

assert ids.BUCKETS <= 32767  # noqa: S101  the bucket column is a smallint
