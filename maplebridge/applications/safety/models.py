"""What a hazard cannot hold: premises, visits to them, check lists, accidents, campaigns.

Risk levels are of premises. An accident is a count of a day and place; nobody is named in it.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from maplebridge.lib import ids
from maplebridge.organisation.models import code_field


class Risk(models.IntegerChoices):
    """How dangerous premises are: red, orange, yellow, blue."""

    RED = 1, _("Red: grave risk")
    ORANGE = 2, _("Orange: larger risk")
    YELLOW = 3, _("Yellow: ordinary risk")
    BLUE = 4, _("Blue: low risk")


class Trade(models.TextChoices):
    """What goes on at premises; check lists are by trade."""

    GAS = "gas", _("Restaurant with gas")
    WORKSHOP = "workshop", _("Small workshop, or lodging over it")
    CHEMICAL = "chemical", _("Dangerous chemicals")
    SITE = "site", _("Building site")
    CROWD = "crowd", _("Place of many people")


class Premises(models.Model):
    """A place of work that is looked after. lines: departments with something to check there.

    duty_holder, duty_phone: who answers for its safety (实名), work data only. unit_code: the unit
    that supervises it. risk: of the place. last_visit: by whichever department.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    code = models.CharField(max_length=40, unique=True, db_collation="C")
    name = models.CharField(max_length=120)
    trade = models.CharField(max_length=12, choices=Trade.choices)
    risk = models.IntegerField(choices=Risk.choices)
    area_code = code_field()
    unit_code = code_field(40)
    address = models.CharField(max_length=200, default="", blank=True)
    lon = models.FloatField(null=True, default=None)
    lat = models.FloatField(null=True, default=None)
    lines = ArrayField(models.CharField(max_length=8))
    duty_holder = models.CharField(max_length=40)
    duty_post = models.CharField(max_length=40, default="", blank=True)
    duty_phone = models.CharField(max_length=24, default="", blank=True)
    last_visit = models.DateField(null=True, default=None)
    is_active = models.BooleanField(default=True)
    synthetic = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "risk"], name="premises_area")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CheckItem(models.Model):
    """One line of a check list. source: the law or standard; major: a finding is a major hazard."""

    code = models.CharField(max_length=16, primary_key=True, db_collation="C")
    trade = models.CharField(max_length=12, choices=Trade.choices)
    number = models.IntegerField()
    text = models.CharField(max_length=200)
    source = models.CharField(max_length=200)
    major = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trade", "number"], name="check_item_number")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Inspection(models.Model):
    """One visit for all departments (综合查一次). reason: why then. done_at: null while planned.

    lines: the departments it serves. findings: code of each item, and ok, not or na. plan: under
    which plan it stands; the same plan made again makes no other.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    premises = models.ForeignKey(Premises, on_delete=models.PROTECT, related_name="inspections")
    area_code = code_field()
    plan = models.CharField(max_length=60, db_collation="C")
    planned_on = models.DateField()
    lines = ArrayField(models.CharField(max_length=8))
    reason = models.CharField(max_length=200)
    done_at = models.DateTimeField(null=True, default=None)
    unit_code = code_field(40, default="", blank=True)
    account_id = models.UUIDField(null=True, default=None)
    findings = models.JSONField(default=dict)
    notes = models.JSONField(default=dict)
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "premises"], name="inspection_once_a_plan")
        ]
        indexes: ClassVar = [
            models.Index(fields=["area_code", "planned_on"], name="inspection_area")
        ]

    def __str__(self) -> str:
        return f"{self.premises_id} {self.planned_on}"


class Accident(models.Model):
    """An accident of a day: counts and loss, no names. grade: as `rules.accident_grade` says.

    corrects: the entry whose place it takes; that one stays. key: of the form that made it.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    day = models.DateField()
    trade = models.CharField(max_length=12, choices=Trade.choices, default="", blank=True)
    premises = models.ForeignKey(
        Premises, on_delete=models.PROTECT, null=True, default=None, related_name="accidents"
    )
    deaths = models.IntegerField(default=0)
    injured = models.IntegerField(default=0)
    loss_yuan = models.BigIntegerField(default=0)
    grade = models.IntegerField()
    note = models.CharField(max_length=500, default="", blank=True)
    corrects = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, default=None, related_name="newer"
    )
    unit_code = code_field(40)
    account_id = models.UUIDField(null=True, default=None)
    made_at = models.DateTimeField()
    key = models.CharField(max_length=120)
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit_code", "key"], name="accident_once"),
            models.CheckConstraint(
                condition=models.Q(deaths__gte=0, injured__gte=0, loss_yuan__gte=0),
                name="accident_counts",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "day"], name="accident_area")]

    def __str__(self) -> str:
        return f"{self.area_code} {self.day}"


class Drive(models.Model):
    """A campaign (专项整治) on a trade or an area. trade: empty for all. Its effect is counted."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    title = models.CharField(max_length=80)
    trade = models.CharField(max_length=12, choices=Trade.choices, default="", blank=True)
    aim = models.CharField(max_length=500)
    begins = models.DateField()
    ends = models.DateField()
    unit_code = code_field(40)
    account_id = models.UUIDField(null=True, default=None)
    key = models.CharField(max_length=120)
    made_at = models.DateTimeField()
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit_code", "key"], name="drive_once"),
            models.CheckConstraint(
                condition=models.Q(ends__gte=models.F("begins")), name="drive_ends_later"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "-begins"], name="drive_area")]

    def __str__(self) -> str:
        return f"{self.area_code} {self.title}"
