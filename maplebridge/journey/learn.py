"""What people decide in place of a step; and the city's categories."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.cases import deadlines, engine, wall
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, Event
from maplebridge.journey import handoff, proposals, route
from maplebridge.journey.decision import Decision
from maplebridge.journey.models import Category, DecisionRecord, Fingerprint, Step
from maplebridge.lib.tables import Problem, Row
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, Said
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.units import directory

SEED = Path(__file__).parent / "seed" / "categories.csv"
GROUPS = Path(__file__).parent / "seed" / "groups.csv"
CODE = re.compile(r"\d{4}")
LINE = re.compile(r"[A-Z]{2,8}")
LENGTHS = {"name": 60, "name_en": 80, "group": 60, "group_en": 80}
FLAGS = ("on_the_spot", "anonymous")
CHOICES = {
    "sla_class": deadlines.CLASSES,
    "confidentiality": frozenset(Confidentiality.values),
    "on_the_spot": frozenset("01"),
    "anonymous": frozenset("01"),
    "handoff": frozenset({"", "110", "119", "120"}),
}


@dataclass(frozen=True)
class CategoryFacts:
    """What a category brings into a case."""

    code: str
    name: str
    line: str
    sla_class: str
    confidentiality: str
    handoff: str

    def facts(self) -> dict[str, str]:
        """As facts of a move."""
        return {
            "category": self.code,
            "line": self.line,
            "sla_class": self.sla_class,
            "confidentiality": self.confidentiality,
        }


class UnknownCategory(LookupError):
    """No category has that code."""


def overrule(
    case_id: UUID,
    step: Step,
    value: str,
    actor: Actor,
    *,
    key: str,
    expected_sequence: int | None = None,
    note: str = "",
    at: dt.datetime | None = None,
) -> Event:
    """A person's answer in place of a step's; the machine's stays beside it.

    value: an area code for the place, a category code, or a unit code for the owner.
    A new place or category also moves the case to the room that answers for it and asks the
    responsibility table again. Raises engine.FactsError for a value that does not exist, and
    whatever engine.move raises.
    """
    with wall.standing(SYSTEM):
        case = Case.objects.filter(pk=case_id).first()
        if case is None:
            raise engine.UnknownCase(_("There is no such case."))
        facts, owner = _facts_of(case, step, value)
        event = engine.move(
            case_id,
            "overrule",
            actor,
            key=key,
            expected_sequence=expected_sequence,
            facts={**facts, "step": step.value, "note": note},
            at=at,
        )
        person = Decision(value, 1.0, _("Decided by a person."), "person")
        answers = [(step, person)] if owner is None else [(step, person), (Step.ROUTE, owner)]
        DecisionRecord.objects.bulk_create(
            (
                DecisionRecord(
                    case_id=case_id,
                    step=answered,
                    sequence=event.sequence,
                    area_code=event.area_code,
                    value=answer.value or "",
                    confidence=answer.confidence,
                    reason=str(answer.reason)[:400],
                    version=answer.version,
                    evidence=dict(answer.evidence),
                    by_person=answer is person,
                    at=event.at,
                )
                for answered, answer in answers
            ),
            ignore_conflicts=True,
        )
        marks = Fingerprint.objects.filter(pk=case_id)
        if facts.get("confidentiality") == "C2":
            marks.delete()
        else:
            now_known = Case.objects.get(pk=case_id)
            marks.update(area_code=now_known.area_code, category=now_known.category)
        if step == Step.CLASSIFY:
            handoff.hand_over(case_id, category_of(value), at)
    return event


def _facts_of(case: Case, step: Step, value: str) -> tuple[dict[str, object], Decision | None]:
    """What an overruled step changes on the case, and whose it is then by the table."""
    owner: Decision | None = None
    area, category = case.area_code, case.category
    facts: dict[str, object] = {}
    answered = {Step.LOCATE: "place", Step.CLASSIFY: "kind", Step.ROUTE: "owner"}.get(step)
    if step == Step.LOCATE:
        if not Area.objects.filter(pk=value).exists():
            raise engine.FactsError({"value": _("There is no area %(code)s.") % {"code": value}})
        area = value
        facts["area_code"] = area
        if case.state == "reported":
            facts["unit"] = route.desk_for(area, directory(), case.about_unit)
    elif step == Step.CLASSIFY:
        try:
            found = category_of(value)
        except UnknownCategory:
            raise engine.FactsError(
                {"value": _("There is no category %(code)s.") % {"code": value}}
            ) from None
        category = found.code
        facts |= found.facts()
    elif step == Step.ROUTE:
        facts["suggested_unit"] = value
    asks = [ask for ask in case.asks if ask != answered]
    if step in (Step.LOCATE, Step.CLASSIFY):
        with translation.override(settings.LANGUAGE_CODE):
            owner = proposals.owner_of(case, category, area, case.nature, case.about_unit)
        if owner.value is not None:
            facts["suggested_unit"] = owner.value
        if route.is_decided(owner):
            asks = [ask for ask in asks if ask != "owner"]
    facts["asks"] = asks
    return facts, owner


def _check(cells: Cells) -> Iterable[Said]:
    if not CODE.fullmatch(cells["code"]):
        yield (
            _("“%(said)s” is no code of a category.") % {"said": cells["code"]},
            _("Write four digits; the first two name its group."),
        )
    if not LINE.fullmatch(cells["line"]):
        yield (
            _("“%(said)s” is no code of a line.") % {"said": cells["line"]},
            _("Write its capital letters, like HSC."),
        )
    for name, most in LENGTHS.items():
        if not 0 < len(cells[name]) <= most:
            yield (
                _("The cell “%(name)s” needs 1 to %(most)d signs.") % {"name": name, "most": most},
                _("Write the name as people shall read it."),
            )
    for name, choices in CHOICES.items():
        if cells[name] not in choices:
            yield editions.wrong_choice(name, cells[name], filter(None, choices))


def _whole(rows: Sequence[Row]) -> Iterable[Problem]:
    """Old cases and learned words name the codes there are, so none may go."""
    present = {row.cells["code"] for row in rows}
    for code in sorted(categories().keys() - present):
        yield Problem(
            0,
            code,
            _("The category %(code)s is missing; old cases are sorted under it.") % {"code": code},
            _("Keep its line; give it another name, line or class if you like."),
        )


def _build(_number: int, rows: Sequence[Cells]) -> dict[str, CategoryFacts]:
    return {
        cells["code"]: CategoryFacts(
            cells["code"],
            cells["name"],
            cells["line"],
            cells["sla_class"],
            cells["confidentiality"],
            cells["handoff"],
        )
        for cells in rows
    }


CATEGORIES = editions.Table(
    name="categories",
    label=_l("Kinds of matter"),
    columns=(
        "code", "name", "name_en", "group", "group_en", "line", "sla_class", "confidentiality",
        "on_the_spot", "anonymous", "handoff",
    ),
    key=("code",),
    check=_check,
    whole=_whole,
    build=_build,
)  # fmt: skip


def open_categories() -> None:
    """Publishes the categories the product ships with where a city has none yet."""
    if not CATEGORIES.number():
        with GROUPS.open(encoding="utf-8", newline="") as handle:
            names = {row["code"]: row for row in csv.DictReader(handle)}
        with SEED.open(encoding="utf-8", newline="") as handle:
            rows = [
                {
                    **row,
                    "group": names[row["code"][:2]]["name"],
                    "group_en": names[row["code"][:2]]["name_en"],
                }
                for row in csv.DictReader(handle)
            ]
        editions.publish(
            CATEGORIES,
            rows,
            begins=editions.ALWAYS,
            note=_("Rows that come with the product."),
            by=SYSTEM,
        )
    show_categories()


def show_categories() -> None:
    """Brings the rows that pages join with in line with the edition in force; again no change."""
    rows = [
        Category(
            **{name: cells[name] for name in CATEGORIES.columns if name not in FLAGS},
            **{name: cells[name] == "1" for name in FLAGS},
        )
        for cells in editions.rows_of(CATEGORIES, CATEGORIES.number())
    ]
    Category.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=[name for name in CATEGORIES.columns if name != "code"],
    )


def category_of(code: str) -> CategoryFacts:
    """The category of that code. Raises UnknownCategory."""
    try:
        return categories()[code]
    except KeyError:
        raise UnknownCategory(code) from None


def categories() -> dict[str, CategoryFacts]:
    """Every category of the edition in force, by code."""
    return CATEGORIES.value()
