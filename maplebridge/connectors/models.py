"""Stations and what they measured; one row for a reading, whoever sent it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Quality(models.TextChoices):
    """Whether a reading can be built upon. Only a good one moves a grade."""

    GOOD = "good", _("Plausible")
    SUSPECT = "suspect", _("Doubtful: it changed faster than water can")
    FAULT = "fault", _("Impossible: the sensor is faulty")


class Grade(models.IntegerChoices):
    """How high the water stands. Source: GB/T 50095 (警戒水位, 保证水位); domain guide, 4.9 (a)."""

    NORMAL = 0, _("Below the warning level")
    WARNING = 1, _("At or over the warning level")
    GUARANTEE = 2, _("At or over the guarantee level")
    HISTORICAL = 3, _("At or over the highest ever measured")


class Station(models.Model):
    """A gauge on a river or reservoir. Levels are in metres over the station's own datum.

    water: the river or reservoir. warning, guarantee, historical: 警戒, 保证, 历史最高; null where
    none is set. lowest, highest: what the place can show at all; steepest: how much an hour.
    margin: how far the level falls below a mark before its grade ends. quiet_minutes: silence after
    which the sensor counts as faulty. grade, level, level_at: as of the newest good reading.
    fault: why the sensor is not to be trusted now, empty when it is.
    """

    code = models.CharField(max_length=40, primary_key=True, db_collation="C")
    name = models.CharField(max_length=80)
    water = models.CharField(max_length=80)
    area_code = models.CharField(max_length=15, db_collation="C")
    unit_code = models.CharField(max_length=40, default="", blank=True, db_collation="C")
    lon = models.FloatField(null=True, default=None)
    lat = models.FloatField(null=True, default=None)
    warning = models.DecimalField(max_digits=7, decimal_places=3, null=True, default=None)
    guarantee = models.DecimalField(max_digits=7, decimal_places=3, null=True, default=None)
    historical = models.DecimalField(max_digits=7, decimal_places=3, null=True, default=None)
    lowest = models.DecimalField(max_digits=7, decimal_places=3)
    highest = models.DecimalField(max_digits=7, decimal_places=3)
    steepest = models.DecimalField(max_digits=7, decimal_places=3)
    margin = models.DecimalField(max_digits=5, decimal_places=3, default="0.050")
    quiet_minutes = models.IntegerField(default=60)
    synthetic = models.BooleanField(default=False)
    grade = models.IntegerField(choices=Grade.choices, default=Grade.NORMAL)
    grade_since = models.DateTimeField(null=True, default=None)
    level = models.DecimalField(max_digits=7, decimal_places=3, null=True, default=None)
    level_at = models.DateTimeField(null=True, default=None)
    heard_at = models.DateTimeField(null=True, default=None)
    fault = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "grade"], name="station_area")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Observation(models.Model):
    """One reading, as it was sent; never changed.

    at: when it was measured. value: metres. source: "sensor", or "hand" for one typed by a person.
    taken_at: when it reached us.
    """

    pk = models.CompositePrimaryKey("station_id", "at")
    station = models.ForeignKey(Station, models.PROTECT, db_constraint=False)
    at = models.DateTimeField()
    value = models.DecimalField(max_digits=9, decimal_places=3)
    quality = models.CharField(max_length=8, choices=Quality.choices)
    source = models.CharField(max_length=8, default="sensor")
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.station_id} {self.at:%Y-%m-%d %H:%M} {self.value}"


APPEND_ONLY = (Observation,)
