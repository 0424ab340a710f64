"""Takes a fresh report through the automatic steps: where, what, told before, about whom, whose.

All five answers are written with one move of the case, in one transaction. Running it again
changes nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation

from maplebridge.cases import engine
from maplebridge.cases.effects import ABOUT
from maplebridge.cases.feed import News
from maplebridge.cases.grades import Confidentiality, Urgency
from maplebridge.cases.models import Case, Payload
from maplebridge.journey import about, dedupe, handoff, labels, proposals, route
from maplebridge.journey.classify import classify_text
from maplebridge.journey.decision import Decision
from maplebridge.journey.gazetteer import gazetteer
from maplebridge.journey.learn import CATEGORIES, category_of
from maplebridge.journey.locate import is_decided as is_decided_place
from maplebridge.journey.locate import locate
from maplebridge.journey.models import DecisionRecord, Fingerprint, Step
from maplebridge.lib.clock import now
from maplebridge.lib.text import fingerprint
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.units import directory

KEY = "journey"
KEPT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """A step's decision and how many microseconds it took."""

    decision: Decision
    micros: int


@dataclass(frozen=True)
class Advanced:
    """What the steps decided for one case."""

    case_id: UUID
    place: Answer
    kind: Answer
    twins: Answer
    owner: Answer
    asks: tuple[str, ...]
    about: Answer

    def answers(self) -> dict[Step, Answer]:
        """The answers by step, in the order of the journey."""
        return {
            Step.LOCATE: self.place,
            Step.CLASSIFY: self.kind,
            Step.DEDUPE: self.twins,
            Step.ROUTE: self.owner,
            Step.ABOUT: self.about,
        }


def carry_out(news: News) -> None:
    """The feed's reader: advances the case when it was just reported.

    A matter that turns out to complain about the city's centre has nobody above: it leaves.
    """
    if news.move == "report" and news.sequence == 1:
        advance(news.case_id)
    elif news.move == "name_unit":
        handoff.hand_over(news.case_id, None)


def advance(case_id: UUID, at: dt.datetime | None = None) -> Advanced | None:
    """Places, classifies, compares and routes a case; None when that was done before.

    at: the moment it is recorded at, for records of the past; now when left out.
    """
    case = Case.objects.get(pk=case_id)
    if case.state != "reported" or DecisionRecord.objects.filter(case_id=case_id).exists():
        return None
    with translation.override(settings.LANGUAGE_CODE):
        said = Payload.objects.filter(case_id=case_id, sequence=1, part="words").first()
        words = (said.content or {}) if said else {}
        done = decide(case, words)
        _write(case, done, words, at or now())
    return done


def decide(case: Case, words: dict[str, str]) -> Advanced:
    """The five answers for a case; reads candidates for twins, changes nothing."""
    title, text = words.get("title", ""), words.get("text", "")
    point = (case.lon, case.lat) if case.lon is not None and case.lat is not None else None
    place = _timed(
        lambda: locate(
            point,
            case.accuracy_metres,
            "WGS84",
            " ".join(filter(None, (words.get("place"), title, text))),
            case.area_code if len(case.area_code) > len(settings.CITY_CODE) else None,
            places=gazetteer(KEPT_SECONDS),
        )
    )
    area = place.decision.value or case.area_code
    kind = _timed(lambda: classify_text(text, title, labels.model(), labels.threshold()))
    category = kind.decision.value or ""
    print_ = dedupe.Print(
        case.pk, area, category, case.opened_at, case.lon, case.lat,
        fingerprint(f"{title} {text}"),
    )  # fmt: skip
    twins = _timed(lambda: dedupe.find_twins(print_, dedupe.candidates(print_)))
    nature = str(kind.decision.evidence.get("nature") or "")
    named = _timed(lambda: _about(case, f"{title}\n{text}", area, category, nature))
    kept_out = named.decision.value or ""
    owner = _timed(lambda: proposals.owner_of(case, category, area, nature, kept_out))
    asks = tuple(
        name
        for name, decided in (
            ("place", is_decided_place(place.decision)),
            ("kind", bool(category)),
            ("owner", route.is_decided(owner.decision)),
            (ABOUT, not (kept_out or words.get("about")) and category not in about.CONDUCT),
        )
        if not decided
    )
    return Advanced(case.pk, place, kind, twins, owner, asks, named)


def _about(case: Case, text: str, area: str, category: str, nature: str) -> Decision:
    """Which unit it complains about: what the reporter said before what the words seem to say."""
    units = directory()
    if case.about_unit in units:
        return about.of_reporter(units.unit(case.about_unit))
    found = about.find_unit(text, area, category, nature, units)
    if found.value is not None and units.room_apart(found.value) is None:
        return replace(found, value=None)  # nobody else is there; a person decides
    return found


def _version(step: Step, decision: Decision) -> str:
    """Who decided; for the category also the edition that says what it brings with it."""
    if step != Step.CLASSIFY:
        return decision.version
    return f"{decision.version} {CATEGORIES.name}-{CATEGORIES.number()}"


def _timed(step: Callable[[], Decision]) -> Answer:
    begun = time.perf_counter_ns()
    decision = step()
    return Answer(decision, (time.perf_counter_ns() - begun) // 1000)


def _write(case: Case, done: Advanced, words: dict[str, str], at: dt.datetime) -> None:
    place, kind, owner = done.place.decision, done.kind.decision, done.owner.decision
    area = place.value or case.area_code
    about_unit = done.about.decision.value or ""
    facts: dict[str, object] = {
        "area_code": area,
        "unit": route.desk_for(area, directory(), about_unit),
        "asks": list(done.asks),
        "twins": [twin for twin, _share in done.twins.decision.evidence.get("twins", [])],
    }
    category = None
    if "kind" not in done.asks and kind.value is not None:
        category = category_of(kind.value)
        facts |= category.facts()
        if handoff.organ_line(category):
            facts["twins"] = []
    facts["nature"] = str(kind.evidence.get("nature") or "")
    answers_itself = done.about.decision.evidence.get("answers")
    if answers_itself and answers_itself == owner.value:
        facts["nature"] = about.SERVICE
    if about_unit:
        facts["about"] = about_unit
    elif words.get("about"):
        # The reporter named somebody whom we do not know: none of those below may be it.
        facts["unit"] = route.desk_for(settings.CITY_CODE, directory(), "")
        facts["confidentiality"] = Confidentiality.C2
    if kind.evidence.get("urgent"):
        facts["urgency"] = str(Urgency.CRITICAL)
    if owner.value is not None:
        facts["suggested_unit"] = owner.value
    with transaction.atomic():
        event = engine.move(case.pk, "triage", SYSTEM, key=KEY, facts=facts, at=at)
        DecisionRecord.objects.bulk_create(
            (
                DecisionRecord(
                    case_id=case.pk,
                    step=step,
                    sequence=event.sequence,
                    area_code=area,
                    value=answer.decision.value or "",
                    confidence=answer.decision.confidence,
                    reason=str(answer.decision.reason)[:400],
                    version=_version(step, answer.decision),
                    evidence=dict(answer.decision.evidence),
                    micros=min(answer.micros, 2**31 - 1),
                    at=at,
                )
                for step, answer in done.answers().items()
            ),
            ignore_conflicts=True,
        )
        if handoff.hand_over(case.pk, category, at) is not None:
            return  # a lead: nothing of its words stays
        if facts.get("confidentiality") == Confidentiality.C2:
            return  # sealed matters are in no search, not even by their marks
        Fingerprint.objects.bulk_create(
            [
                Fingerprint(
                    case_id=case.pk,
                    area_code=area,
                    category=str(facts.get("category", "")),
                    opened_at=case.opened_at,
                    lon=case.lon,
                    lat=case.lat,
                    marks=fingerprint(f"{words.get('title', '')} {words.get('text', '')}"),
                )
            ],
            ignore_conflicts=True,
        )
