"""A move's form, drawn from what the move declares that it needs, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from maplebridge.cases.effects import GUARDS, Step
from maplebridge.cases.kinds import Field, Guard, Move, Type
from maplebridge.cases.models import Assignment, Case, CaseQuerySet
from maplebridge.cases.permissions import covers, has_in_sight, moves_for
from maplebridge.journey.models import Category
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor
from maplebridge.organisation.units import UnitFacts, directory
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.words import unit_name

Group = tuple[str, list[tuple[str, str]]]
LONG = frozenset({Type.NOTE})
MANY = frozenset({Type.UNITS, Type.CODES})
# Moves that end, refuse or send back: their button is drawn with care.
GRAVE = frozenset({"decline", "void", "return_back", "verify_fail", "record_only"})
# These guards read the form; all others can be asked before it is drawn.
ASKED_WITH_FACTS = frozenset(
    {Guard.REVIEW_WITHIN_30_DAYS, Guard.HIGHER_LEVEL, Guard.NOT_ITSELF, Guard.IN_SIGHT}
)
# The one step forward in each state comes first and in the house's colour.
FORWARD = ("accept", "file_case", "dispatch", "sign_for", "feedback", "verify_pass", "close")


@dataclass(frozen=True)
class DrawnField:
    """One field of a form with what was said and what is wrong with it.

    groups: for selects, (group name, [(code, words)]). values: what was said, for many.
    """

    name: str
    type: str
    label: str
    required: bool
    most: int
    value: str = ""
    values: list[str] = field(default_factory=list)
    error: str = ""
    groups: list[Group] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """The id of its input on the page."""
        return f"f-{self.name}"


@dataclass(frozen=True)
class DrawnMove:
    """A move as a button."""

    name: str
    label: str
    tone: str


def buttons(moves: list[Move]) -> tuple[list[DrawnMove], list[DrawnMove]]:
    """The moves that carry the case on, the one step forward first, and the others."""
    first: list[DrawnMove] = []
    others: list[DrawnMove] = []
    for move in moves:
        tone = "grave" if move.name in GRAVE else ""
        if move.name in FORWARD:
            first.append(DrawnMove(move.name, str(move.label), "main"))
        elif move.target is not None:
            first.append(DrawnMove(move.name, str(move.label), tone))
        else:
            others.append(DrawnMove(move.name, str(move.label), tone))
    return sorted(first, key=lambda button: button.tone != "main"), others


def offered(actor: Actor, case: Case, assignments: list[Assignment]) -> list[Move]:
    """The moves an actor may make now whose guards, as far as they need no form, say yes."""
    moves = moves_for(actor, case, assignments)
    at = now()
    return [
        m for m in moves if not _refusal(Step(case, m, actor, {}, at, directory(), assignments))
    ]


def _refusal(step: Step) -> str | None:
    guards = (guard for guard in step.move.guards if guard not in ASKED_WITH_FACTS)
    return next((said for said in (GUARDS[guard](step) for guard in guards) if said), None)


def draw(
    move: Move,
    case: Case,
    actor: Actor,
    said: QueryDict | None = None,
    problems: Mapping[str, str] | None = None,
) -> list[DrawnField]:
    """The fields of a move's form, in the manifest's order."""
    return [_drawn(move, need, case, actor, said, problems or {}) for need in move.needs]


def _drawn(
    move: Move,
    need: Field,
    case: Case,
    actor: Actor,
    said: QueryDict | None,
    problems: Mapping[str, str],
) -> DrawnField:
    given = said.getlist(need.name) if said is not None else _offered(need, case)
    return DrawnField(
        name=need.name,
        type=str(Type.NOTE if need.type is Type.SEALED else need.type),
        label=str(need.label),
        required=need.required,
        most=need.most,
        value=given[0] if given else "",
        values=given,
        error=problems.get(need.name, ""),
        groups=_groups(move, need, case, actor),
    )


def _offered(need: Field, case: Case) -> list[str]:
    """What the form proposes before anybody has said anything."""
    if need.type == Type.UNIT and need.name == "unit" and case.suggested_unit:
        return [case.suggested_unit]
    if need.type == Type.CATEGORY and case.category:
        return [case.category]
    if need.type == Type.AREA:
        return [case.area_code]
    if need.type == Type.CHOICE and need.name in {"urgency", "scale", "level"}:
        return [str(getattr(case, need.name))]
    return []


def _groups(move: Move, need: Field, case: Case, actor: Actor) -> list[Group]:
    if need.among:
        return share_groups(case, need.among)
    if need.type == Type.UNITS and Guard.IN_SIGHT in move.guards:
        return sight_groups(case, actor)
    match need.type:
        case Type.UNIT | Type.UNITS:
            return unit_groups(case, need.kinds)
        case Type.CATEGORY:
            return category_groups()
        case Type.AREA:
            return area_groups(actor, case)
        case Type.CHOICE:
            return [("", [(code, str(label)) for code, label in need.choices])]
        case Type.FLAG:
            return [("", [("yes", _("Yes")), ("no", _("No"))])]
    return []


def share_groups(case: Case, among: tuple[tuple[str, str], ...]) -> list[Group]:
    """The units that have such a share of the case, by duty and progress; one statement."""
    shares = Assignment.objects.filter(case_id=case.pk).order_by("number")
    codes = dict.fromkeys(s.unit_code for s in shares if (s.duty, s.progress) in among)
    return [("", [(code, unit_name(code)) for code in codes])]


def sight_groups(case: Case, actor: Actor) -> list[Group]:
    """The other units that see the case: those at work on it, and rooms over its place."""
    shares = list(Assignment.objects.filter(case_id=case.pk))
    at_work = {share.unit_code for share in shares} | {case.unit_code}
    here: list[tuple[str, str]] = []
    above: list[tuple[str, str]] = []
    for unit in directory().all():
        if unit.code == actor.unit_code or not has_in_sight(
            unit.code, unit.kind, unit.area_code, case, shares
        ):
            continue
        (here if unit.code in at_work else above).append((unit.code, unit_name(unit.code)))
    groups = [(_("At work on it"), here), (_("Rooms over the place"), above)]
    return [(name, options) for name, options in groups if options]


def unit_groups(case: Case, kinds: tuple[str, ...] = ()) -> list[Group]:
    """Units that could take the case: suggested, over its place, in its township or county."""
    town = case.area_code[:9]
    suggested: list[tuple[str, str]] = []
    here: list[tuple[str, str]] = []
    above: list[tuple[str, str]] = []
    for unit in directory().all():
        if kinds and unit.kind not in kinds:
            continue
        option = (unit.code, unit_name(unit.code))
        if unit.code == case.suggested_unit:
            suggested.append(option)
        elif _is_near(unit, town, case.area_code):
            here.append(option)
        elif covers(unit.area_code, case.area_code):
            above.append(option)
    groups = [
        (_("Suggested"), suggested),
        (_("In the township"), here),
        (_("County and city"), above),
    ]
    return [(name, options) for name, options in groups if options]


def _is_near(unit: UnitFacts, town: str, area_code: str) -> bool:
    """Whether a unit sits in the case's township; for a place known only by county, its rooms."""
    if len(town) == 9:
        return unit.area_code.startswith(town)
    return unit.area_code.startswith(area_code) and len(unit.area_code) == len(area_code) + 3


def category_groups() -> list[Group]:
    """Every category under its group; one statement."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for category in Category.objects.all():
        option = (category.code, f"{category.code} {category.shown_name}")
        groups.setdefault(category.shown_group, []).append(option)
    return list(groups.items())


def area_groups(actor: Actor, case: Case) -> list[Group]:
    """Areas a desk may name: its own township's villages and grids, or one level down."""
    root = actor.area_code if len(actor.area_code) >= 9 else case.area_code[:9]
    if len(root) < 9:
        root = actor.area_code
        found = [a for a in Area.objects.within(root) if len(a.code) <= 9]
    else:
        found = list(Area.objects.within(root))
    found.sort(key=lambda area: area.code)
    return [("", [(a.code, "　" * max(0, (len(a.code) - len(root)) // 3) + a.name) for a in found])]


def facts_from(move: Move, said: QueryDict, visible: CaseQuerySet) -> dict[str, Any]:
    """What a form says, by field name, as the engine reads it; photos travel apart.

    visible: where a case named by its number is looked for; an unknown number stays as typed,
    and the engine refuses it.
    """
    facts: dict[str, Any] = {}
    for need in move.needs:
        if need.type == Type.PHOTOS or need.name not in said:
            continue
        if need.type in MANY:
            facts[need.name] = [value for value in said.getlist(need.name) if value]
        elif need.type == Type.CASE:
            facts[need.name] = _case_named(said, need.name, visible)
        else:
            facts[need.name] = said.get(need.name, "")
    return facts


def _case_named(said: QueryDict, name: str, visible: CaseQuerySet) -> str:
    typed = narrowing(said, name)
    try:
        return str(UUID(typed))
    except ValueError:
        found = visible.filter(number=typed.upper()).values_list("pk", flat=True).first()
        return str(found) if found else typed


def said_in_words(
    move: Move, facts: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """The structured facts of an event as (label, words); names: of categories and areas."""
    shown: list[tuple[str, str]] = []
    for need in move.needs:
        if need.name not in facts or need.type == Type.PHOTOS:
            continue
        value = facts[need.name]
        match need.type:
            case Type.UNIT:
                words = unit_name(str(value))
            case Type.UNITS:
                words = "、".join(unit_name(str(code)) for code in value)
            case Type.CHOICE:
                labels = {code: str(label) for code, label in need.choices}
                words = labels.get(str(value), str(value))
            case Type.FLAG:
                words = _("Yes") if value else _("No")
            case Type.CATEGORY | Type.AREA:
                words = (names or {}).get(str(value), str(value))
            # A code that somebody has to give is for people, as the number of a receipt; the
            # others are the automatic steps' own.
            case Type.CODE if need.required:
                words = str(value)
            case Type.CODES | Type.CASE | Type.CODE:
                continue
            case _:
                words = str(value)
        shown.append((str(need.label), words))
    return shown
