"""A report comes in, from whatever channel: checked, kept, and answered with a receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from maplebridge.cases import engine
from maplebridge.cases.grades import Confidentiality
from maplebridge.journey.about import units_named
from maplebridge.journey.gazetteer import gazetteer
from maplebridge.journey.route import desk_for
from maplebridge.lib import text as words
from maplebridge.lib.geometry import to_wgs84
from maplebridge.organisation.areas import Level
from maplebridge.organisation.people import Actor
from maplebridge.organisation.units import UnknownUnit, directory

LONGEST_TEXT = 10_000
LONGEST = {"title": 200, "place": 200, "name": 60, "phone": 24}
MOST_PHOTOS = 5
MOST_OFFICES = 6
LONGEST_OFFICE = 80
FEWEST_DIGITS = 5
KEPT_SECONDS = 30.0
FURTHEST_ERROR_METRES = 100_000.0


class ReportRefused(ValueError):
    """The report cannot be taken as it is; `problems` gives a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Report:
    """What somebody says.

    channel: web, api, file, grid, hotline ... account: who says it within the channel (a session,
    a partner's token, a file). key: the same key from the same account is the same report.
    lon, lat with datum; accuracy_metres: radius of the error circle.
    area_code: the area the channel belongs to, when it knows (a grid worker's grid).
    about: name or code of the unit it complains about, if the reporter says that it does.
    """

    channel: str
    account: str
    key: str
    text: str
    title: str = ""
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: str = "WGS84"
    accuracy_metres: float | None = None
    name: str = ""
    phone: str = ""
    anonymous: bool = False
    photos: tuple[engine.Photo, ...] = ()
    area_code: str = ""
    actor: Actor | None = None
    at: Any = None
    synthetic: bool = False
    about: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def take_in(report: Report) -> engine.Opened:
    """Opens a case for a report and returns its receipt; the same key again, the same receipt.

    Raises ReportRefused when something said cannot be used; nothing was written then.
    """
    return engine.open(read_report(report))


def take_in_many(reports: Iterable[Report]) -> list[engine.Opened]:
    """Opens a case for each report, many a statement; receipts in their order."""
    return engine.load(read_report(report) for report in reports)


def read_report(report: Report) -> engine.Opening:
    """The report, checked and tidied, as an opening. Raises ReportRefused."""
    problems: dict[str, str] = {}
    said = {
        "title": words.normalise(report.title),
        "text": words.printable(report.text),
        "place": words.normalise(report.place),
    }
    reporter = {"name": words.normalise(report.name), "phone": words.normalise(report.phone)}
    if not said["text"]:
        problems["text"] = _("Please say in a few words what is the matter.")
    elif len(said["text"]) > LONGEST_TEXT:
        problems["text"] = _(
            "The text has %(n)d characters; at most %(most)d are kept. Please shorten it."
        ) % {"n": len(said["text"]), "most": LONGEST_TEXT}
    for name, value in ({**said, **reporter}).items():
        if name in LONGEST and len(value) > LONGEST[name]:
            problems[name] = _(
                "The text has %(n)d characters; at most %(most)d are kept. Please shorten it."
            ) % {"n": len(value), "most": LONGEST[name]}
    if reporter["phone"] and sum(c.isdigit() for c in reporter["phone"]) < FEWEST_DIGITS:
        problems["phone"] = _("This is no telephone number; please give at least five digits.")
    if sum(photo.media_type.startswith("image/") for photo in report.photos) > MOST_PHOTOS:
        problems["photos"] = _("At most %(most)d photos can be sent.") % {"most": MOST_PHOTOS}
    lon, lat = _read_point(report, problems)
    area = report.area_code or settings.CITY_CODE
    about = _read_about(report.about, area, lon, lat, problems)
    unclear = words.normalise(report.about)[:LONGEST_OFFICE] if not about else ""
    try:
        # Whom it is about has to be found by a person: until then by one above all who may be.
        desk = desk_for(settings.CITY_CODE if unclear else area, directory(), about)
    except UnknownUnit:
        problems["text"] = _("No unit answers for this city yet; its operator must load the units.")
    if problems:
        raise ReportRefused(problems)
    if report.anonymous:
        reporter = {}
    return engine.Opening(
        kind="matter",
        channel=report.channel,
        account=report.account,
        key=report.key,
        area_code=area,
        unit_code=desk,
        words={name: value for name, value in {**said, "about": unclear}.items() if value},
        reporter={name: value for name, value in reporter.items() if value},
        anonymous=report.anonymous,
        lon=lon,
        lat=lat,
        datum=report.datum if lon is not None else "",
        accuracy_metres=report.accuracy_metres if lon is not None else None,
        photos=report.photos,
        facts={**report.extra, **({"confidentiality": Confidentiality.C2} if unclear else {})},
        actor=report.actor,
        at=report.at,
        synthetic=report.synthetic,
        about_unit=about,
    )


def _read_about(
    said: str, area: str, lon: float | None, lat: float | None, problems: dict[str, str]
) -> str:
    """The code of the office that a reporter names, the nearest first; empty when we know none.

    Asks back only when several bear the name: a report never waits for a field that may be empty.
    """
    if not said.strip():
        return ""
    if lon is not None and lat is not None and area == settings.CITY_CODE:
        area = gazetteer(KEPT_SECONDS).locators[Level.COUNTY].find(lon, lat) or area
    found = units_named(said, area, directory())
    if len(found) == 1:
        return found[0].code
    if found:
        names = "、".join(unit.name for unit in found[:MOST_OFFICES])
        problems["about"] = _("Which of these offices? %(names)s. Please write one name.") % {
            "names": names
        }
    return ""


def _read_point(report: Report, problems: dict[str, str]) -> tuple[float | None, float | None]:
    """The point in WGS-84, or nothing; says what is wrong with it."""
    if report.lon is None and report.lat is None:
        return None, None
    if report.lon is None or report.lat is None:
        problems["point"] = _("A point needs a longitude and a latitude.")
        return None, None
    if report.accuracy_metres is not None and not (
        0 <= report.accuracy_metres <= FURTHEST_ERROR_METRES
    ):
        problems["point"] = _("The accuracy of the point must lie between 0 and 100 km.")
        return None, None
    try:
        lon, lat = to_wgs84(report.lon, report.lat, report.datum)
    except ValueError as wrong:
        problems["point"] = str(wrong)
        return None, None
    counties = gazetteer(KEPT_SECONDS).locators[Level.COUNTY]
    if len(counties) and counties.find(lon, lat) is None:
        problems["point"] = _(
            "The point lies outside the city. Please choose another or describe the place in words."
        )
        return None, None
    return round(lon, 6), round(lat, 6)
