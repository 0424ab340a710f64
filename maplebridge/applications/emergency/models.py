"""What stands ready: teams, vehicles and boats that are sent, and stocks that are drawn from."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from maplebridge.lib import ids
from maplebridge.organisation.models import code_field


class Ability(models.TextChoices):
    """What a resource can do; one that can do several is sent for one of them at a time."""

    RESCUE = "rescue", _("Rescue team")
    DYKE = "dyke", _("Dyke repair team")
    MEDICAL = "medical", _("Medical team")
    BOAT = "boat", _("Boat")
    PUMP = "pump", _("Pump")
    VEHICLE = "vehicle", _("Transport vehicle")


class Standing(models.TextChoices):
    """Whether a resource can be sent."""

    FREE = "free", _("Ready")
    SENT = "sent", _("Sent out")
    OUT = "out", _("Out of order")


class Resource(models.Model):
    """A team, vehicle, boat or pump of a unit. people: how many come with it, no names.

    lent_to: areas that may ask for it by agreement, until lent_until (null: no end). sent_for,
    sent_at: for which emergency, since when. lon, lat: WGS-84, where it stands ready.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    code = models.CharField(max_length=40, unique=True, db_collation="C")
    name = models.CharField(max_length=80)
    abilities = ArrayField(models.CharField(max_length=12, choices=Ability.choices))
    unit_code = code_field(40)
    area_code = code_field()
    people = models.IntegerField(default=0)
    lon = models.FloatField()
    lat = models.FloatField()
    lent_to = ArrayField(models.CharField(max_length=15), default=list)
    lent_until = models.DateField(null=True, default=None)
    standing = models.CharField(max_length=8, choices=Standing.choices, default=Standing.FREE)
    sent_for = models.UUIDField(null=True, default=None)
    sent_at = models.DateTimeField(null=True, default=None)
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(standing="sent", sent_for__isnull=False)
                | (~models.Q(standing="sent") & models.Q(sent_for=None)),
                name="resource_sent_somewhere",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "standing"], name="resource_area")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Sort(models.TextChoices):
    """What a stock holds."""

    GOODS = "goods", _("Goods")
    SHELTER = "shelter", _("Shelter")


class Stock(models.Model):
    """Goods in a store, or people in a shelter: a number that its entries add up to.

    measure: of goods, such as 袋; a shelter counts people. most: how much there is room for, null
    without a limit. held: never below 0, never over most.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    code = models.CharField(max_length=40, unique=True, db_collation="C")
    name = models.CharField(max_length=80)
    sort = models.CharField(max_length=8, choices=Sort.choices)
    measure = models.CharField(max_length=12)
    unit_code = code_field(40)
    area_code = code_field()
    lon = models.FloatField()
    lat = models.FloatField()
    most = models.IntegerField(null=True, default=None)
    held = models.IntegerField(default=0)
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(held__gte=0), name="stock_never_negative"),
            models.CheckConstraint(
                condition=models.Q(most=None) | models.Q(held__lte=models.F("most")),
                name="stock_never_over",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "sort"], name="stock_area")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Cause(models.TextChoices):
    """Why a stock changed."""

    IN = "in", _("Came in")
    OUT = "out", _("Went out")
    COUNT = "count", _("Counted anew")


class StockEntry(models.Model):
    """One change of a stock; never changed itself. held: what there was after it.

    key: of the form that made it; the same form again makes none. used_for: for which emergency.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="entries")
    number = models.IntegerField()
    change = models.IntegerField()
    held = models.IntegerField()
    cause = models.CharField(max_length=8, choices=Cause.choices)
    used_for = models.UUIDField(null=True, default=None)
    unit_code = code_field(40)
    note = models.CharField(max_length=200, default="", blank=True)
    at = models.DateTimeField()
    key = models.CharField(max_length=120)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stock", "number"], name="stock_entry_number"),
            models.UniqueConstraint(fields=["stock", "key"], name="stock_entry_once"),
            models.CheckConstraint(condition=models.Q(held__gte=0), name="stock_entry_held"),
        ]

    def __str__(self) -> str:
        return f"{self.stock_id} {self.number}"


class Callout(models.Model):
    """When a call to those on duty rings next; what was rung and answered stands in the log.

    called_for: for which emergency. call: the entry of its log that began it. rungs: how many have
    rung. next_at: null once it is answered, over, or at the end of its ladder.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    called_for = models.UUIDField()
    call = models.IntegerField()
    unit_code = code_field(40)
    begun_at = models.DateTimeField()
    rungs = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["called_for", "call"], name="callout_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"], name="callout_next", condition=models.Q(next_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.called_for} {self.call}"
