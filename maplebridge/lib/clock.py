"""What time it is; the one place that asks the machine."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> dt.datetime:
    """The present instant, aware, UTC."""
    return dt.datetime.now(dt.UTC)


def local_day(at: dt.datetime) -> dt.date:
    """The calendar day of an instant in China."""
    return at.astimezone(CHINA).date()
