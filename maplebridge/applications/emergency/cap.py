"""The alert of an emergency as a file of the Common Alerting Protocol, one for each declared level.

Source: OASIS CAP 1.2. The first is an Alert, a change of level an Update that refers to all before
it, the end a Cancel. A drill is an Exercise for named desks, never public; what is told on made-up
data is a Test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

from maplebridge.applications.emergency import rules
from maplebridge.applications.emergency.rules import Entry, Situation
from maplebridge.cases.models import Case
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.readiness import ResponseLevel

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
SENDER = "maplebridge"
KINDS = {"take_command": "Alert", "set_level": "Update", "stand_down": "Cancel"}
SEVERITY = {
    ResponseLevel.I: "Extreme", ResponseLevel.II: "Severe", ResponseLevel.III: "Moderate",
    ResponseLevel.IV: "Minor", ResponseLevel.PEACE: "Unknown",
}  # fmt: skip
ROMAN = {1: "Ⅰ", 2: "Ⅱ", 3: "Ⅲ", 4: "Ⅳ"}
HOURS = 24
RADIUS_KM = 5


@dataclass(frozen=True)
class Place:
    """Where an alert holds. code: of the division; lon, lat: WGS-84, of its middle, if known."""

    name: str
    code: str
    lon: float | None = None
    lat: float | None = None


def alerts(log: Sequence[Entry]) -> list[Entry]:
    """The entries that an alert is made of, the oldest first."""
    return [entry for entry in log if entry.move in KINDS]


def alert(case: Case, log: Sequence[Entry], number: int, known: Situation, place: Place,
          unit_name: str) -> bytes:  # fmt: skip
    """The alert of one entry of the log, as XML in UTF-8. Raises KeyError for any other entry."""
    found = {entry.number: entry for entry in alerts(log)}
    entry = found[number]
    before = [one for one in found.values() if one.number < number]
    drill = rules.is_drill(log)
    level = _level(entry)
    root = Tree.Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", _identifier(case, entry))
    _add(root, "sender", SENDER)
    _add(root, "sent", _moment(entry.at))
    _add(root, "status", "Exercise" if drill else "Test" if case.synthetic else "Actual")
    _add(root, "msgType", KINDS[entry.move])
    _add(root, "scope", "Private" if drill else "Public")
    if drill:
        _add(root, "addresses", f'"{unit_name}"')
    if before:
        said = [f"{SENDER},{_identifier(case, one)},{_moment(one.at)}" for one in before]
        _add(root, "references", " ".join(said))
    _add(root, "incidents", case.number)
    for language in ("zh-CN", "en-US"):
        _info(root, language, entry, level, known, place, unit_name, drill)
    Tree.indent(root)
    made: bytes = Tree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return made


def _info(
    root: Tree.Element, language: str, entry: Entry, level: ResponseLevel, known: Situation,
    place: Place, unit_name: str, drill: bool,
) -> None:  # fmt: skip
    chinese = language == "zh-CN"
    over = entry.move == "stand_down"
    info = _add(root, "info", "")
    _add(info, "language", language)
    _add(info, "category", "Met")
    _add(info, "event", "洪水" if chinese else "Flood")
    _add(info, "responseType", "AllClear" if over else "Monitor")
    urgent = known.breach_metres is not None and not over
    _add(info, "urgency", "Past" if over else "Immediate" if urgent else "Expected")
    _add(info, "severity", "Minor" if over else SEVERITY[level])
    _add(info, "certainty", "Observed")
    _add(info, "effective", _moment(entry.at))
    _add(info, "expires", _moment(entry.at + dt.timedelta(hours=HOURS)))
    _add(info, "senderName", unit_name)
    _add(info, "headline", _headline(chinese, level, place, over, drill))
    if urgent and known.breach_metres is not None:
        width = known.breach_metres.value
        said = f"堤防溃口，宽{width}米。" if chinese else f"The dyke is breached, {width} m wide."
        _add(info, "description", said)
    if not over:
        _add(info, "instruction", "请远离河岸，听从现场人员安排。" if chinese
             else "Keep away from the banks and follow those on the spot.")  # fmt: skip
    area = _add(info, "area", "")
    _add(area, "areaDesc", place.name)
    if place.lon is not None and place.lat is not None:
        _add(area, "circle", f"{place.lat:.4f},{place.lon:.4f} {RADIUS_KM}")
    code = _add(area, "geocode", "")
    _add(code, "valueName", "GB/T 2260")
    _add(code, "value", place.code)


def _headline(chinese: bool, level: ResponseLevel, place: Place, over: bool, drill: bool) -> str:
    if chinese:
        said = "解除防汛应急响应" if over else f"启动防汛{ROMAN[level.value]}级应急响应"
        return f"{'【演练】' if drill else ''}{place.name}{said}"
    roman = {1: "I", 2: "II", 3: "III", 4: "IV"}
    said = "flood response ended" if over else f"flood response level {roman[level.value]}"
    return f"{'EXERCISE: ' if drill else ''}{place.name}: {said}"


def _level(entry: Entry) -> ResponseLevel:
    return ResponseLevel(int(entry.facts.get("level", 0)))


def _identifier(case: Case, entry: Entry) -> str:
    return f"{case.number}-{entry.number}"


def _moment(at: dt.datetime) -> str:
    """CAP wants an offset and no parts of a second."""
    return at.astimezone(CHINA).replace(microsecond=0).isoformat()


def _add(parent: Tree.Element, name: str, text: str) -> Tree.Element:
    child = Tree.SubElement(parent, name)
    child.text = text or None
    return child
