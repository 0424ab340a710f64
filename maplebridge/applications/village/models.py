"""What a village shows to everybody: notices, ledgers, covenants, activities, answered letters.

Nothing here is of a case or of a person: no list of people, nobody's name beside a sum. Every row
is published; what stood there before a correction stays in `Writing`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from maplebridge.lib import ids
from maplebridge.organisation.models import code_field


class ShownQuerySet(models.QuerySet[Any]):
    """Questions about what is shown."""

    def standing(self, village: str) -> ShownQuerySet:
        """What a village shows now: nothing that was withdrawn."""
        return self.filter(area_code=village, withdrawn_at=None)


class Shown(models.Model):
    """Something a village published.

    on: the day it is of, as people say it. corrections: how often it was corrected since.
    withdrawn_at: no longer shown, but kept. synthetic: made up for the demonstration.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    title = models.CharField(max_length=80)
    text = models.TextField(blank=True)
    on = models.DateField()
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    corrections = models.SmallIntegerField(default=0)
    withdrawn_at = models.DateTimeField(null=True, default=None)
    synthetic = models.BooleanField(default=False)

    objects = ShownQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.area_code} {self.title}"


class Topic(models.TextChoices):
    """What a notice is about."""

    NOTICE = "notice", _("Notice")
    NEWS = "news", _("Village news")
    FARMING = "farming", _("Farming")
    SAFETY = "safety", _("Safety")
    SERVICE = "service", _("Services")


class Notice(Shown):
    """A notice or a piece of news (村情动态)."""

    topic = models.CharField(max_length=12, choices=Topic.choices)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "-on"], name="notice_shown")]


class Ledger(models.TextChoices):
    """The three public ledgers (三务公开)."""

    PARTY = "party", _("Party affairs")
    AFFAIRS = "affairs", _("Village affairs")
    FINANCE = "finance", _("Finance")


class Flow(models.TextChoices):
    """Which way an amount went."""

    INCOME = "income", _("Income")
    EXPENSE = "expense", _("Expense")


def yuan(amount: Decimal) -> str:
    """An amount with its thousands apart: 12,800.50 yuan."""
    said = f"{abs(amount):,.2f}"
    signed = f"−{said}" if amount < 0 else said
    return gettext("%(amount)s yuan") % {"amount": signed}


class LedgerEntry(Shown):
    """One entry of a ledger: text is the decision or its explanation.

    amount: in yuan, at least 0, or null where no money moved; flow says which way. document: name
    and number of the paper it rests on.
    """

    ledger = models.CharField(max_length=8, choices=Ledger.choices)
    flow = models.CharField(max_length=8, choices=Flow.choices, default="", blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, default=None)
    document = models.CharField(max_length=120, default="", blank=True)

    @property
    def amount_said(self) -> str:
        """What it brought or cost, its sign in front; empty where no money moved."""
        if self.amount is None:
            return ""
        sign = "+" if self.flow == Flow.INCOME else "−"
        return sign + yuan(self.amount)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["area_code", "ledger", "-on"], name="entry_shown")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount=None, flow="")
                | (models.Q(amount__gte=0) & ~models.Q(flow="")),
                name="entry_amount_has_a_way",
            )
        ]


class Covenant(models.Model):
    """A covenant of a village (村规民约); its words stand in its versions."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.area_code} {self.pk}"


class CovenantVersion(Shown):
    """One version of a covenant: on is the day it was adopted, changes what differs from before."""

    covenant = models.ForeignKey(Covenant, on_delete=models.PROTECT, related_name="versions")
    number = models.SmallIntegerField()
    adopted_by = models.CharField(max_length=80)
    changes = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["covenant", "number"], name="version_once")
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "covenant"], name="version_shown")]


class Activity(Shown):
    """Something that takes place: when, where, what. Whoever comes is written nowhere."""

    place = models.CharField(max_length=80)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "begins_at"], name="activity_shown")]


class AnsweredLetter(Shown):
    """A letter and its answer as its writer allowed them to be shown: masked, looked over, without
    a name.

    text: the question. mark: `rules.mark_of` of its case, so that it is published once and can be
    taken back; from the mark nobody finds the case.
    """

    answer = models.TextField()
    unit_code = code_field(40)
    mark = models.CharField(max_length=64, unique=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "-on"], name="letter_shown")]


class Deed(models.TextChoices):
    """What was done to something shown."""

    MADE = "made", _("Published")
    CORRECTED = "corrected", _("Corrected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Writing(models.Model):
    """One act of writing: what stood there after it, who wrote it and why; added, never changed.

    paper_id with sort: what was written. number: 1, 2, 3 ... for each. why: said with a correction
    or a withdrawal, and shown. key: of the form; the same form sent again writes nothing.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    paper_id = models.UUIDField()
    sort = models.CharField(max_length=12)
    number = models.SmallIntegerField()
    area_code = code_field()
    deed = models.CharField(max_length=12, choices=Deed.choices)
    content = models.JSONField(default=dict)
    why = models.CharField(max_length=200, default="", blank=True)
    account_id = models.UUIDField(null=True, default=None)
    role = models.CharField(max_length=16)
    unit_code = code_field(40, default="", blank=True)
    key = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["paper_id", "number"], name="writing_number_once"),
            models.UniqueConstraint(fields=["unit_code", "key"], name="writing_key_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "at"], name="writing_area")]

    def __str__(self) -> str:
        return f"{self.sort} {self.paper_id} {self.number}"


# Rows the application's role may add but never change or remove.
APPEND_ONLY = (Writing,)
