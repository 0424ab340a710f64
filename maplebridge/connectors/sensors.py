"""The way in for readings: one at a time, idempotent, judged before anything follows from it.

Protocols of sensors come in front of `observe`; nothing else writes a reading.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.connectors.models import Grade, Observation, Quality, Station
from maplebridge.lib import clock

# A sensor's clock may run ahead of ours by this much.
AHEAD = dt.timedelta(minutes=10)
OLDEST = dt.timedelta(days=400)
# A doubtful level is believed once a second reading says nearly the same.
CONFIRMS = Decimal("0.100")
QUIET, IMPOSSIBLE, LEAPING = "quiet", "impossible", "leaping"
HAND, SENSOR = "hand", "sensor"


class NotTaken(ValueError):
    """Nothing was kept; the text says what, and how to mend it."""


@dataclass(frozen=True)
class Taken:
    """What became of a reading. fresh: False for one that was there already.

    before, after: the station's grade.
    """

    observation: Observation
    before: Grade
    after: Grade
    fresh: bool = True

    @property
    def crossed(self) -> bool:
        """Whether the water has just risen over a mark."""
        return self.after > self.before


def observe(
    station_code: str,
    value: Decimal | float | str,
    at: dt.datetime,
    *,
    source: str = SENSOR,
) -> Taken:
    """Takes one reading in; the same again (station, instant, value) returns the first.

    value: metres. at: aware. Four statements. A reading older than the newest is kept and moves
    nothing; a doubtful or impossible one is kept, moves no grade and marks the sensor.
    Raises NotTaken for an unknown station, what is no number, an instant ahead of our clock or long
    past, and another value for an instant that is taken.
    """
    metres = _number(value)
    now = clock.now()
    if at > now + AHEAD:
        raise NotTaken(
            _("The reading is of %(at)s, which is still to come. Please check the station's clock.")
            % {"at": at.isoformat()}
        )
    if at < now - OLDEST:
        raise NotTaken(_("The reading is older than %(n)s days.") % {"n": OLDEST.days})
    with transaction.atomic():
        station = Station.objects.select_for_update().filter(pk=station_code).first()
        if station is None:
            raise NotTaken(
                _("There is no station %(code)s. Please set it up first.") % {"code": station_code}
            )
        known = Observation.objects.filter(station_id=station.pk, at=at).first()
        if known is not None:
            if known.value != metres:
                raise NotTaken(
                    _("At %(at)s station %(code)s has %(first)s m already; %(second)s m not taken.")
                    % {
                        "at": at.isoformat(), "code": station.pk,
                        "first": known.value, "second": metres,
                    }
                )  # fmt: skip
            return Taken(known, Grade(station.grade), Grade(station.grade), fresh=False)
        last = Observation.objects.filter(station_id=station.pk, at__lt=at).order_by("-at").first()
        quality = judge(station, metres, at, last)
        reading = Observation.objects.create(
            station=station, at=at, value=metres, quality=quality, source=source, taken_at=now
        )
        before = Grade(station.grade)
        _follow(station, reading)
        return Taken(reading, before, Grade(station.grade))


def _number(value: Decimal | float | str) -> Decimal:
    try:
        metres = Decimal(str(value)).quantize(Decimal("0.001"))
    except InvalidOperation:
        raise NotTaken(
            _("“%(value)s” is no level in metres, such as 12.35.") % {"value": str(value)[:40]}
        ) from None
    if not metres.is_finite() or abs(metres) >= 1_000_000:
        raise NotTaken(
            _("“%(value)s” is no level in metres, such as 12.35.") % {"value": str(value)[:40]}
        )
    return metres


def judge(station: Station, metres: Decimal, at: dt.datetime, last: Observation | None) -> Quality:
    """Whether a reading can be built upon.

    last: the reading just before it. Beyond what the place can show it is a fault. Faster than
    water can (steepest an hour since the last good level, or `CONFIRMS` at least) it is doubtful,
    until a second reading says nearly the same.
    """
    if not station.lowest <= metres <= station.highest:
        return Quality.FAULT
    if station.level is None or station.level_at is None or at <= station.level_at:
        return Quality.GOOD
    hours = Decimal((at - station.level_at).total_seconds()) / 3600
    if abs(metres - station.level) <= max(station.steepest * hours, CONFIRMS):
        return Quality.GOOD
    confirmed = (
        last is not None
        and last.quality == Quality.SUSPECT
        and abs(last.value - metres) <= max(station.steepest * hours, CONFIRMS)
    )
    return Quality.GOOD if confirmed else Quality.SUSPECT


def _follow(station: Station, reading: Observation) -> None:
    """Moves the station on; a late reading moves nothing."""
    if station.heard_at is not None and reading.at <= station.heard_at:
        return
    station.heard_at = reading.at
    station.fault = {Quality.FAULT: IMPOSSIBLE, Quality.SUSPECT: LEAPING}.get(
        Quality(reading.quality), ""
    )
    if reading.quality == Quality.GOOD:
        grade = grade_of(reading.value, marks_of(station), Grade(station.grade), station.margin)
        if grade != station.grade:
            station.grade, station.grade_since = grade, reading.at
        station.level, station.level_at = reading.value, reading.at
    station.save(update_fields=["heard_at", "fault", "grade", "grade_since", "level", "level_at"])


Marks = Sequence[tuple[Grade, Decimal]]


def marks_of(station: Station) -> Marks:
    """The marks that are set, the lowest first."""
    named = (
        (Grade.WARNING, station.warning),
        (Grade.GUARANTEE, station.guarantee),
        (Grade.HISTORICAL, station.historical),
    )
    return [(grade, mark) for grade, mark in named if mark is not None]


def grade_of(metres: Decimal, marks: Marks, before: Grade, margin: Decimal) -> Grade:
    """The grade of a level. Up at the mark; down only when it stands `margin` below, so that waves
    about a mark tell of one crossing and not of many.
    """
    found = Grade.NORMAL
    for grade, mark in marks:
        held = before >= grade and metres > mark - margin
        if metres >= mark or held:
            found = grade
    return found


def over_warning(station: Station) -> Decimal | None:
    """Metres over the warning level by the newest good reading; None where one is missing."""
    if station.level is None or station.warning is None:
        return None
    return station.level - station.warning


def rise(station: Station, hours: int, at: dt.datetime) -> Decimal | None:
    """Metres the water rose in the hours before `at`, negative when it fell; None without two good
    readings. One statement.
    """
    since = at - dt.timedelta(hours=hours)
    good = Observation.objects.filter(
        station_id=station.pk, quality=Quality.GOOD, at__gt=since, at__lte=at
    ).order_by("at")
    values = list(good.values_list("value", flat=True))
    return values[-1] - values[0] if len(values) > 1 else None


def faulty(area_code: str, at: dt.datetime) -> list[tuple[Station, str]]:
    """The stations of an area whose sensor is not to be trusted, each with why; one statement."""
    found = []
    for station in Station.objects.filter(area_code__startswith=area_code).order_by("code"):
        heard = station.heard_at
        if heard is None or at - heard > dt.timedelta(minutes=station.quiet_minutes):
            found.append((station, QUIET))
        elif station.fault:
            found.append((station, station.fault))
    return found
