"""How papers say days, places, shares and changes, and what every paper of ours has around it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from maplebridge.insight.indicators import FEWEST, percent, share
from maplebridge.lib.clock import CHINA
from maplebridge.lib.papers import Block, Paper
from maplebridge.organisation.areas import LENGTHS
from maplebridge.organisation.models import Area
from maplebridge.organisation.units import UnknownUnit, directory

# 金龙村村民委员会 is said 金龙村.
COMMITTEE = re.compile(r"(村民|居民)委员会$")
LEAST = FEWEST


def day_words(day: dt.date) -> str:
    """A day, written out."""
    return date_format(day, "DATE_FORMAT")


def time_words(at: dt.datetime | None) -> str:
    """An instant in the city's time; a dash for none."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if at else "—"


def area_names(codes: Iterable[str]) -> dict[str, str]:
    """The names of areas by code, those of the areas around them with them."""
    wanted = {code[:length] for code in codes for length in LENGTHS if length <= len(code)}
    return dict(Area.objects.filter(code__in=wanted).values_list("code", "name"))


def place_words(code: str, names: Mapping[str, str], above: str = "") -> str:
    """An area as somebody says it who knows the area above: county and township, or village.

    names: from `area_names`.
    """
    lengths = [n for n in (6, 9, 12, 15) if len(above) < n <= len(code)]
    said: list[str] = []
    for length in lengths:
        name = COMMITTEE.sub("", names.get(code[:length], ""))
        said.append(name.removeprefix(said[-1]) if said else name)
    return "".join(said) or names.get(code, code)


def issuer_of(area_code: str) -> str:
    """The room that sends out the papers of an area."""
    try:
        return directory().room_of(area_code).name
    except UnknownUnit:
        return area_code


def paper_of(
    title: str,
    issuer: str,
    blocks: Sequence[Block],
    at: dt.datetime,
    *,
    number: str = "",
    mark: str = "",
) -> Paper:
    """A paper with head and foot as all of ours have them."""
    return Paper(
        title=title,
        issuer=issuer,
        blocks=tuple(blocks),
        number=number,
        day=day_words(at.astimezone(CHINA).date()),
        mark=mark,
        foot=_("Data as of %(at)s") % {"at": time_words(at)},
        page=_("Page {n} of {of}"),
    )


def ratio(numerator: int, denominator: int) -> str:
    """A share with what it rests on, 911/972 and 93.72% below it; no percentage below LEAST."""
    if denominator == 0:
        return "—"
    value = share(numerator, denominator)
    counted = f"{numerator}/{denominator}"
    return f"{counted}\n{percent(value)}" if denominator >= LEAST else counted


def change_words(value: float | None) -> str:
    """A change as the field writes it: −24.3 %; a dash without a base."""
    if value is None:
        return "—"
    shown = percent(abs(value), 1)
    return shown if shown == percent(0.0, 1) else f"{'−' if value < 0 else '+'}{shown}"


def minutes_words(value: float | None) -> str:
    """A time in whole minutes; a dash where nothing was measured."""
    return "—" if value is None else _("%(n)d min") % {"n": round(value)}
