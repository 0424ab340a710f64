"""What the automatic steps decided, and what people decided instead; kinds of matter; duties.

Rows of DecisionRecord belong to one case and begin with its id, like those of `cases`.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from maplebridge.organisation.models import code_field


class Step(models.TextChoices):
    """The automatic steps."""

    LOCATE = "locate", _("Place")
    CLASSIFY = "classify", _("Category")
    DEDUPE = "dedupe", _("Twins")
    ROUTE = "route", _("Owner")
    ABOUT = "about", _("Unit complained about")


class DecisionRecord(models.Model):
    """One answer of one step: the machine's, or the person's who overruled it. Both are kept.

    sequence: the case's event with which it was written. value: empty when left to a person.
    confidence: 0 to 1. by_person: a person's answer. micros: how long the step took.
    """

    pk = models.CompositePrimaryKey("case_id", "step", "sequence")
    case_id = models.UUIDField()
    step = models.CharField(max_length=12, choices=Step.choices)
    sequence = models.IntegerField()
    area_code = code_field()
    value = models.CharField(max_length=60, default="", blank=True)
    confidence = models.FloatField()
    reason = models.CharField(max_length=400)
    version = models.CharField(max_length=60)
    evidence = models.JSONField(default=dict)
    by_person = models.BooleanField(default=False)
    micros = models.IntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["step", "by_person", "at"], name="decision_step")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.step} {self.value}"


class Category(models.Model):
    """A kind of matter, as the edition in force says; written by `learn.show_categories` only.

    Source: domain guide, section 3.

    line: the responsible line. handoff: 110, 119 or 120 when it is handed over, else empty.
    """

    code = code_field(8, primary_key=True)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80)
    group = models.CharField(max_length=60)
    group_en = models.CharField(max_length=80)
    line = models.CharField(max_length=8)
    sla_class = models.CharField(max_length=4)
    confidentiality = models.CharField(max_length=2)
    on_the_spot = models.BooleanField(default=False)
    anonymous = models.BooleanField(default=True)
    handoff = models.CharField(max_length=4, default="", blank=True)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name in the reader's language."""
        return self.name if (get_language() or "zh").startswith("zh") else self.name_en

    @property
    def shown_group(self) -> str:
        """The group's name in the reader's language."""
        return self.group if (get_language() or "zh").startswith("zh") else self.group_en


class Responsibility(models.Model):
    """权责清单 as it was kept before editions; read by the migration, written by nobody.

    category: a code, a two-digit group, or empty for all. area_code: the row holds in the area and
    below it, unless a row for a smaller area says otherwise. tier: length of the area code at
    which the matter is handled. unit_code: the unit that handles it.
    """

    category = code_field(8, default="", blank=True)
    area_code = code_field()
    unit_code = code_field(40)
    begins = models.DateField(default=dt.date(2000, 1, 1))
    ends = models.DateField(null=True, default=None)
    clause = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["category", "area_code", "begins"], name="responsibility_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.area_code} {self.unit_code}"


class Fingerprint(models.Model):
    """What the search for twins needs of a case, without its words.

    marks: a small min-hash of the text. A row belongs to one case.
    """

    case_id = models.UUIDField(primary_key=True)
    area_code = code_field()
    category = models.CharField(max_length=8, default="", blank=True)
    opened_at = models.DateTimeField()
    lon = models.FloatField(null=True, default=None)
    lat = models.FloatField(null=True, default=None)
    marks = ArrayField(models.IntegerField())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["area_code", "opened_at"], name="fingerprint_area")
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class LearnedLabels(models.Model):
    """What confirmed cases taught of the categories, dated, with its card; see `labels`.

    parameters: numbers as `texts` packs them. card: how well it does, and for whom.
    """

    version = models.CharField(max_length=60, primary_key=True)
    parameters = models.BinaryField()
    card = models.JSONField()
    learned_from = models.IntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version


class LearnedHandlers(models.Model):
    """What past cases taught of who handles such matters and how often such run late.

    handlers, late: numbers as `history` packs them; late is empty while too few cases were late.
    returned: [unit, category] of matters that the unit sent back more often than it handled them.
    """

    version = models.CharField(max_length=60, primary_key=True)
    handlers = models.BinaryField()
    late = models.BinaryField(default=bytes)
    returned = models.JSONField(default=list)
    learned_from = models.IntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version


class PushSubscription(models.Model):
    """A browser that asked to hear of one case: where to, and the keys to seal it with.

    mark: SHA-256 of the endpoint. wanted, told: sequences of the case's events, the last to tell of
    and the last told. next_try: when to tell, null when there is nothing to tell.
    """

    pk = models.CompositePrimaryKey("case_id", "mark")
    case_id = models.UUIDField()
    mark = models.CharField(max_length=64)
    endpoint = models.CharField(max_length=1000)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=40)
    language = models.CharField(max_length=12, default="zh-hans")
    made_at = models.DateTimeField()
    wanted = models.IntegerField(default=0)
    told = models.IntegerField(default=0)
    tries = models.IntegerField(default=0)
    next_try = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_try"], name="push_next", condition=models.Q(next_try__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.mark[:8]}"
