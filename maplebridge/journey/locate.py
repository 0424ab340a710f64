"""The second step: a report's place, from its point, from the names in its text, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from maplebridge.journey.decision import Decision
from maplebridge.journey.gazetteer import EVERYDAY, Gazetteer, Mention, PlaceRow, gazetteer
from maplebridge.journey.offsets import offset_in
from maplebridge.lib import geometry
from maplebridge.lib.geometry import Datum
from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level

__all__ = ["AGREED", "VERSION", "Gazetteer", "PlaceRow", "gazetteer", "is_decided", "locate"]

VERSION: Final = "locate-2"
# At or above this confidence a township, village or grid counts as decided.
AGREED: Final = 0.7
COUNTY_CONFIDENCE: Final = 0.6
SURE: Final = 0.97
# A phone mast, not a place: such a circle says the county at best.
VAGUE_METRES: Final = 2000.0
SHOWN_CANDIDATES: Final = 8
# More names than this are a list, not an address; the first ones decide.
READ_NAMES: Final = 40
READ_OFFSET: Final = 400
# A name without its ending, by what stands for it: a parent right before it, a parent elsewhere
# in the text, the place it was taken in; an everyday word even after its parent is only a guess.
_BARE_CONFIDENCE: Final = {"follows": 0.82, "parent": 0.76, "context": 0.72, "everyday": 0.6}
_BREAKS: Final = frozenset(" \t\r\n\u3000,，.。;；:：、!！?？()（）【】[]《》“”\"'-—/")
_BEFORE_A_NAME: Final = frozenset("在到从向往是住于由和与及的我位经去对离至把给找叫")


@dataclass(frozen=True)
class _Answer:
    """What one source says. value: code or None. sure: 0 to 1. candidates: code to share."""

    value: str | None
    sure: float
    reason: str
    candidates: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Name:
    """A name in the text after reading it against the others. codes: what it may still mean."""

    mention: Mention
    codes: tuple[str, ...]
    is_full: bool
    by: str


def is_decided(decision: Decision) -> bool:
    """Whether a place is known well enough to route by: a township or deeper, above `AGREED`."""
    return (
        decision.value is not None
        and len(decision.value) >= Level.TOWNSHIP
        and decision.confidence >= AGREED
    )


def locate(
    point: tuple[float, float] | None = None,
    accuracy_metres: float | None = None,
    datum: str = Datum.WGS84,
    text: str = "",
    context_area: str | None = None,
    *,
    places: Gazetteer | None = None,
) -> Decision:
    """The area of a report, as deep as its point and words allow.

    point: longitude, latitude in degrees of the datum. accuracy_metres: radius of the error
    circle, None or 0 for a point set by hand. text: what was written, of any length.
    context_area: where the report was taken in, if that says anything (a station, a poster).
    places: the gazetteer; the database's when left out.
    Returns an area code. A county alone carries evidence "ask": true, for the case goes to the
    county centre and a person is asked for the rest. None means that a person must be asked.
    A wrong point or datum is no error here: the words still count, and the evidence says so.
    """
    known = places if places is not None else gazetteer()
    context = context_area if context_area in known.names else None
    evidence: dict[str, Any] = {}
    seen = _Answer(None, 0.0, "")
    county = None
    if point is not None:
        seen = _by_point(known, point, accuracy_metres, datum)
        if seen.value is not None:
            county = seen.value[: Level.COUNTY]
    if county is not None and not (context is not None and context.startswith(county)):
        context = county
    read = _by_text(known, text, context)
    chosen = _together(known, seen, read)
    evidence |= seen.evidence | read.evidence | chosen.evidence
    offset = offset_in(text[:READ_OFFSET])
    if offset is not None:
        evidence["offset"] = asdict(offset)
    shown = chosen.candidates[:SHOWN_CANDIDATES]
    if shown:
        evidence["candidates"] = [{"code": code, "name": known.path(code)} for code in shown]
    value, sure = chosen.value, chosen.sure
    if value is not None and len(value) < Level.COUNTY:
        value = None
    if value is not None and len(value) == Level.COUNTY:
        evidence["ask"] = True
        sure = min(sure, COUNTY_CONFIDENCE)
    return Decision(value, round(max(0.0, min(sure, 1.0)), 3), chosen.reason, VERSION, evidence)


def _together(known: Gazetteer, seen: _Answer, read: _Answer) -> _Answer:
    """One answer from the point's and the words'."""
    if seen.value is None:
        if read.value is None and seen.reason:
            return _Answer(None, 0.0, seen.reason, read.candidates)
        return read
    if read.value is None or areas.is_within(seen.value, read.value):
        return _Answer(seen.value, seen.sure, seen.reason, seen.candidates)
    both = tuple(dict.fromkeys((seen.value, read.value, *seen.candidates, *read.candidates)))
    if areas.is_within(read.value, seen.value):
        reason = _("The text names %(place)s, and the point lies there too.") % {
            "place": known.path(read.value)
        }
        return _Answer(read.value, min(SURE, read.sure + 0.03), reason, read.candidates)
    words = {"point": known.path(seen.value), "text": known.path(read.value)}
    is_exact = len(read.value) >= Level.TOWNSHIP and read.sure >= AGREED
    if seen.value in known.synthetic and is_exact and read.value[:6] == seen.value[:6]:
        reason = _(
            "The text names %(text)s; the point lies in a demonstration shape of %(point)s, "
            "which proves nothing."
        )
        return _Answer(read.value, min(read.sure, 0.75), reason % words, both)
    reason = _("The point lies in %(point)s, but the text names %(text)s.") % words
    return _Answer(seen.value, min(seen.sure, COUNTY_CONFIDENCE), reason, both)


# ---------------------------------------------------------------------------- the point


def _by_point(
    known: Gazetteer, point: tuple[float, float], accuracy_metres: float | None, datum: str
) -> _Answer:
    try:
        geometry.check_position(*point)
        lon, lat = geometry.to_wgs84(float(point[0]), float(point[1]), datum)
    except (ValueError, TypeError) as problem:
        reason = _("The point cannot be used: %(why)s") % {"why": problem}
        return _Answer(None, 0.0, reason, evidence={"point_problem": str(problem)})
    evidence: dict[str, Any] = {"point": [round(lon, 6), round(lat, 6)]}
    counties = known.locators[Level.COUNTY]
    if not len(counties):
        reason = _("No outlines are loaded, so the point says nothing.")
        return _Answer(None, 0.0, reason, evidence=evidence)
    radius = max(0.0, accuracy_metres or 0.0)
    evidence["accuracy_metres"] = round(radius, 1)
    county = counties.find(lon, lat)
    if county is None:
        return _outside(known, lon, lat, radius, evidence)
    deepest = county
    if radius <= VAGUE_METRES:
        for level in (Level.GRID, Level.VILLAGE, Level.TOWNSHIP):
            found = known.locators[level].find(lon, lat)
            if found is not None and found.startswith(county):
                deepest = found
                break
    if deepest in known.synthetic:
        evidence["synthetic_shape"] = True
    if radius == 0:
        reason = _("The point lies in %(place)s.") % {"place": known.path(deepest)}
        return _Answer(deepest, SURE, reason, evidence=evidence)
    return _in_circle(known, deepest, lon, lat, radius, evidence)


def _in_circle(
    known: Gazetteer, deepest: str, lon: float, lat: float, radius: float, evidence: dict[str, Any]
) -> _Answer:
    """The deepest area that holds enough of the error circle, a township at the highest."""
    ring = geometry.circle(lon, lat, min(radius, 100_000.0))
    level = areas.level(deepest)
    shares = known.locators[level].shares(ring)
    near = tuple(sorted(shares, key=lambda code: (-shares[code], code)))
    value, share = deepest, shares.get(deepest, 0.0)
    while share < AGREED and len(value) > Level.TOWNSHIP:
        value = areas.parent(value) or value
        share = sum(part for code, part in shares.items() if code.startswith(value))
    place = {"place": known.path(value), "metres": round(radius)}
    if share >= 1 - 1e-6:
        reason = _("The point lies in %(place)s, also with its error of %(metres)d metres.")
        return _Answer(value, SURE, reason % place, evidence=evidence)
    reason = _(
        "The point lies in %(place)s, but its error of %(metres)d metres reaches over the border."
    )
    return _Answer(value, min(SURE, share), reason % place, near, evidence)


def _outside(
    known: Gazetteer, lon: float, lat: float, radius: float, evidence: dict[str, Any]
) -> _Answer:
    evidence["outside"] = True
    shares: dict[str, float] = {}
    if radius > 0:
        ring = geometry.circle(lon, lat, min(radius, 100_000.0))
        shares = known.locators[Level.COUNTY].shares(ring)
    near = tuple(sorted(shares, key=lambda code: (-shares[code], code)))
    cities = [name for code, name in sorted(known.names.items()) if len(code) == Level.CITY]
    city = cities[0] if len(cities) == 1 else _("the city")
    reason = _("The point lies outside %(city)s.") % {"city": city}
    return _Answer(None, 0.0, reason, near, evidence)


# ---------------------------------------------------------------------------- the words


def _by_text(known: Gazetteer, text: str, context: str | None) -> _Answer:
    mentions = _distinct(known.mentions(text))
    names, left = _read_names(mentions, text, context)
    if not names:
        return _unproved(known, left)
    scores = _scores(names, context)
    best = max(scores.values())
    chosen = [code for code, score in scores.items() if score == best]
    evidence = {"words": [name.mention.name for name in names]}
    value = areas.common(chosen)
    if value is None or len(value) < Level.COUNTY:
        rivals = tuple(code for code in chosen if len(code) > Level.CITY)
        if not rivals:
            reason = _("The text names the city only.")
        else:
            reason = _("The text may mean several places: %(places)s.") % {
                "places": _listed(known, rivals)
            }
        return _Answer(None, 0.0, reason, rivals, evidence)
    rivals = tuple(
        dict.fromkeys(
            code
            for name in names
            if not any(_on_one_line(code, value) for code in name.codes)
            for code in name.codes
        )
    )
    sure = _sureness(names, value, chosen, context)
    if any(len(code) >= Level.TOWNSHIP for code in rivals):
        sure -= 0.3
    elif rivals:
        sure -= 0.1
    if rivals:
        reason = _("The text names %(place)s, but also %(others)s.") % {
            "place": known.path(value),
            "others": _listed(known, rivals),
        }
    elif len(chosen) > 1:
        reason = _("The text names a place within %(place)s; which one is open.") % {
            "place": known.path(value)
        }
    else:
        reason = _("The text names %(place)s.") % {"place": known.path(value)}
    others = tuple(chosen) if len(chosen) > 1 else ()
    candidates = tuple(dict.fromkeys((*others, *((value,) if rivals else ()), *rivals)))
    return _Answer(value, sure, reason, candidates, evidence)


def _distinct(mentions: Iterable[Mention]) -> list[Mention]:
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.name, mention)
        if len(first) == READ_NAMES:
            break
    return list(first.values())


def _read_names(
    mentions: Sequence[Mention], text: str, context: str | None
) -> tuple[list[_Name], list[Mention]]:
    """The names that count, and those that lack a parent."""
    names: list[_Name] = []
    waiting: list[Mention] = []
    for place, mention in enumerate(mentions):
        before = mentions[place - 1] if place else None
        if _runs_on(mention, text):
            continue
        if not _is_whole(mention, before, text):
            waiting.append(mention)
            continue
        codes = mention.named.codes
        follows = names[-1] if names and names[-1].mention.end == mention.start else None
        if follows is not None and len(codes[0]) > Level.COUNTY:
            below = tuple(
                code for code in codes if any(_is_below(code, above) for above in follows.codes)
            )
            # "湖镇镇双溪村": a name right after an area is within it. Where our list has none of
            # that name there, it is a hamlet that shares its name with a village elsewhere.
            if not below:
                continue
            codes = below
        is_full = any(code in mention.named.full for code in codes)
        names.append(_Name(mention, codes, is_full, "name" if is_full else "follows"))
    left: list[Mention] = []
    for mention in sorted(waiting, key=lambda m: (len(m.named.codes[0]), m.start)):
        proved = _proved(mention, names, context)
        if proved is None:
            left.append(mention)
        else:
            names.append(proved)
    names.sort(key=lambda name: name.mention.start)
    return names, left


def _runs_on(mention: Mention, text: str) -> bool:
    """Whether the ending of a name belongs to the next word: 新建村级公路, 和平村镇银行."""
    return mention.name.endswith("村") and text[mention.end : mention.end + 1] in ("级", "镇", "庄")


def _is_whole(mention: Mention, before: Mention | None, text: str) -> bool:
    """Whether a name stands for itself: with its ending, and not part of another word."""
    named, name = mention.named, mention.name
    if not named.full or named.everyday:
        return False
    is_deep = all(len(code) > Level.COUNTY for code in named.full)
    if is_deep and text.startswith("民", mention.end) and name.endswith("村"):
        # "张村民", "新建村民活动中心": the last sign belongs to the next word.
        core = name[:-1]
        if len(core) < 2 or core in EVERYDAY:
            return False
    if is_deep and len(name) == 2:
        previous = text[mention.start - 1 : mention.start] if mention.start else ""
        follows = before is not None and before.end == mention.start
        return not previous or follows or previous in _BREAKS or previous in _BEFORE_A_NAME
    return True


def _proved(mention: Mention, names: Sequence[_Name], context: str | None) -> _Name | None:
    """A name that proves nothing alone, with the parent that stands by it, or None."""
    follows: tuple[str, ...] = ()
    named_before: tuple[str, ...] = ()
    for code in mention.named.codes:
        for name in names:
            if any(len(above) > Level.CITY and _is_below(code, above) for above in name.codes):
                named_before += (code,)
                if name.mention.end == mention.start:
                    follows += (code,)
    is_everyday = mention.named.everyday
    if follows:
        by = "everyday" if is_everyday and not mention.named.full else "follows"
        return _Name(mention, _once(follows), False, by)
    if is_everyday:
        return None
    if named_before:
        return _Name(mention, _once(named_before), False, "parent")
    if context is not None and len(context) >= Level.COUNTY:
        inside = tuple(c for c in mention.named.codes if _is_below(c, context) or c == context)
        if inside:
            return _Name(mention, inside, False, "context")
    return None


def _scores(names: Sequence[_Name], context: str | None) -> dict[str, float]:
    """How many names speak for each code: those that mean it or an area above it."""
    codes = {code for name in names for code in name.codes}
    return {
        code: sum(
            1.0 if name.is_full else 0.5
            for name in names
            if any(code.startswith(above) for above in name.codes)
        )
        + (0.25 if context is not None and _on_one_line(code, context) else 0.0)
        for code in sorted(codes)
    }


def _sureness(
    names: Sequence[_Name], value: str, chosen: Sequence[str], context: str | None
) -> float:
    if len(value) <= Level.COUNTY:
        return COUNTY_CONFIDENCE
    own = [name for name in names if any(code.startswith(value) for code in name.codes)]
    above = [
        name
        for name in names
        if any(len(code) >= Level.COUNTY and _is_below(value, code) for code in name.codes)
    ]
    fits = context is not None and _on_one_line(value, context)
    if not any(name.is_full for name in own):
        return max(_BARE_CONFIDENCE[name.by] for name in own)
    if len(chosen) > 1:
        return 0.75
    if above:
        return 0.95 if context is None or fits else 0.9
    is_single = all(len(name.mention.named.codes) == 1 for name in own)
    if fits:
        return 0.92 if is_single else 0.8
    return 0.65 if context is not None else 0.85


def _unproved(known: Gazetteer, left: Sequence[Mention]) -> _Answer:
    """Names without a parent: a long one is worth a question, a short one only a hint."""
    solid = [mention for mention in left if not mention.named.everyday]
    candidates = _once(code for mention in solid for code in mention.named.codes)
    evidence = {"words": [mention.name for mention in solid]} if solid else {}
    long = [m for m in solid if len(m.name) >= 3 and len(m.named.codes) == 1]
    if len(long) == 1:
        value = long[0].named.codes[0]
        reason = _("The text may mean %(place)s.") % {"place": known.path(value)}
        return _Answer(value, 0.6, reason, candidates, evidence)
    if candidates:
        reason = _("The text may mean several places: %(places)s.") % {
            "places": _listed(known, candidates)
        }
        return _Answer(None, 0.0, reason, candidates, evidence)
    return _Answer(None, 0.0, _("Neither the point nor the text says where it is."))


def _listed(known: Gazetteer, codes: Sequence[str]) -> str:
    shown = "、".join(known.path(code) for code in codes[:3])
    return f"{shown}…" if len(codes) > 3 else shown


def _once(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


def _is_below(code: str, above: str) -> bool:
    return len(code) > len(above) and code.startswith(above)


def _on_one_line(code: str, other: str) -> bool:
    return code.startswith(other) or other.startswith(code)
