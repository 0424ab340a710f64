"""What a case cannot hold: screening campaigns, and what each unit that screened has found.

A campaign is of places and units; nobody is listed who was asked, and nothing found is an answer.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from maplebridge.lib import ids
from maplebridge.organisation.models import code_field


class Campaign(models.Model):
    """A screening for disputes (矛盾纠纷排查): which area, from when, until when.

    key: of the form that made it; the same form again makes none.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    area_code = code_field()
    title = models.CharField(max_length=80)
    begins = models.DateField()
    ends = models.DateField()
    unit_code = code_field(40)
    account_id = models.UUIDField(null=True, default=None)
    key = models.CharField(max_length=120)
    made_at = models.DateTimeField()
    synthetic = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit_code", "key"], name="campaign_key_once")
        ]
        indexes: ClassVar = [models.Index(fields=["area_code", "-begins"], name="campaign_area")]

    def __str__(self) -> str:
        return f"{self.area_code} {self.title}"


class Screening(models.Model):
    """One unit's part of a campaign. count: how many disputes it found; null until it has
    answered, and 0 is an answer."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="parts")
    area_code = code_field()
    unit_code = code_field(40)
    count = models.SmallIntegerField(null=True, default=None)
    account_id = models.UUIDField(null=True, default=None)
    done_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "unit_code"], name="screening_once"),
            models.CheckConstraint(
                condition=models.Q(count=None) | models.Q(count__gte=0, count__lte=500),
                name="screening_count",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["unit_code", "done_at"], name="screening_unit")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.unit_code}"
