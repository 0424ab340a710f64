"""The rows of a queue and the parts of a case page, each gathered in few statements."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils.translation import gettext as _

from maplebridge.cases import deadlines, reading
from maplebridge.cases.grades import Confidentiality, Duty, Progress, Rung
from maplebridge.cases.kinds import Aside, Kind, registry
from maplebridge.cases.models import (
    Alarm,
    Assignment,
    Attachment,
    Case,
    CaseQuerySet,
    Event,
    Payload,
)
from maplebridge.cases.reporters import Unreadable, reporter_of_case
from maplebridge.journey.models import Category, DecisionRecord, Step
from maplebridge.lib import clock
from maplebridge.lib.masking import mask_name, mask_phone
from maplebridge.organisation.areas import LENGTHS
from maplebridge.organisation.models import Account, Area
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.parts import words
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.moves import said_in_words

PAGE_ROWS = 25
# 金龙村村民委员会 is said 金龙村, 东门社区居民委员会 is said 东门社区.
COMMITTEE = re.compile(r"(村民|居民)委员会$")
# Digits of a township's code.
TOWNSHIP = 9
WHOLE_NUMBER = re.compile(r"\d{4}(\d\d)?-\d{8}-[0-9A-Z]{6}")
TABS = ("waiting", "asked", "open", "overdue", "closed", "all")


@dataclass(frozen=True)
class Row:
    """A case in a list."""

    case: Case
    title: str
    place: str
    category: str
    standing: str
    asked: Assignment | None = None


@dataclass(frozen=True)
class Filters:
    """What narrows a queue; empty strings narrow nothing."""

    state: str = ""
    category: str = ""
    number: str = ""
    area: str = ""
    since: str = ""
    due: str = ""
    supervised: str = ""
    kind: str = ""

    @classmethod
    def read(cls, said: Mapping[str, str]) -> Filters:
        """From the query of an address; what is none of ours narrows nothing."""
        area = narrowing(said, "area")
        return cls(
            state=narrowing(said, "state"),
            category=narrowing(said, "category"),
            number=narrowing(said, "number"),
            area=area if area.isascii() and area.isdigit() and len(area) in LENGTHS else "",
            since="today" if said.get("since") == "today" else "",
            due="today" if said.get("due") == "today" else "",
            supervised="yes" if said.get("supervised") == "yes" else "",
            kind=kind if (kind := narrowing(said, "kind")) in dict(kind_names()) else "",
        )

    @property
    def is_set(self) -> bool:
        """Whether any is."""
        return any(vars(self).values())


def queue(actor: Actor, tab: str, filters: Filters) -> CaseQuerySet:
    """The cases of one tab that an actor may see, the most pressing (or latest closed) first."""
    cases = Case.objects.visible_to(actor)
    match tab:
        case "waiting":
            cases = cases.waiting_for(actor)
        case "asked":
            cases = cases.asked_of(actor)
        case "overdue":
            cases = cases.filter(ended=False, due_at__lt=clock.now())
        case "closed":
            cases = cases.filter(ended=True)
        case "all":
            pass
        case _:
            cases = cases.filter(ended=False)
    cases = _narrowed(cases, filters)
    if filters.state:
        cases = cases.filter(state=filters.state)
    if filters.category:
        cases = cases.filter(category__startswith=filters.category)
    if filters.number:
        number = filters.number.upper()
        # A whole number is found by its index; behind the wall no pattern may use one.
        whole = WHOLE_NUMBER.fullmatch(number) is not None
        cases = cases.filter(number=number) if whole else cases.filter(number__contains=number)
    if tab == "closed":
        return cases.order_by("-changed_at", "-id")
    return cases.order_by(F("due_at").asc(nulls_last=True), "id")


def _narrowed(cases: CaseQuerySet, filters: Filters) -> CaseQuerySet:
    """By kind, by place, by today, by supervision."""
    now = clock.now()
    today = dt.datetime.combine(clock.local_day(now), dt.time(), clock.CHINA)
    if filters.kind:
        cases = cases.filter(kind=filters.kind)
    if filters.area:
        cases = cases.inside(filters.area)
    if filters.since:
        cases = cases.filter(opened_at__gte=today)
    if filters.due:
        cases = cases.filter(due_at__gte=now, due_at__lt=today + dt.timedelta(days=1))
    if filters.supervised:
        cases = cases.filter(supervision__gt=0)
    return cases


def page_of(cases: CaseQuerySet, tab: str, after: str) -> tuple[list[Case], str]:
    """One page behind a cursor, and the cursor of the next page; empty at the end.

    after: "<instant>,<id>" of the last row seen; anything else starts at the beginning.
    """
    found = list(_behind(cases, tab, after)[: PAGE_ROWS + 1])
    if len(found) <= PAGE_ROWS:
        return found, ""
    last = found[PAGE_ROWS - 1]
    at = last.changed_at if tab == "closed" else last.due_at
    return found[:PAGE_ROWS], f"{at.isoformat() if at else ''},{last.pk}"


def _behind(cases: CaseQuerySet, tab: str, after: str) -> CaseQuerySet:
    instant, _comma, last = after.partition(",")
    try:
        case_id = UUID(last)
        at = dt.datetime.fromisoformat(instant) if instant else None
        if at is not None:
            at = at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return cases
    if at is None and tab == "closed":
        return cases
    if at is None:
        return cases.filter(due_at=None, id__gt=case_id)
    if tab == "closed":
        return cases.filter(Q(changed_at__lt=at) | Q(changed_at=at, id__lt=case_id))
    return cases.filter(Q(due_at__gt=at) | Q(due_at=at, id__gt=case_id) | Q(due_at=None))


def rows_of(actor: Actor, cases: Sequence[Case], unit_code: str = "") -> list[Row]:
    """Rows with first words, places and categories: three statements, whatever their number.

    The first words are masked for whom they are; that may cost one statement more. Of a
    confidential case (C2) no word stands in any list. unit_code: also what this unit was asked for
    and still owes, by another one. Whoever draws them notes them: `looks.note_list`.
    """
    said = {
        payload.case_id: payload.content or {}
        for payload in Payload.objects.filter(
            case_id__in=[case.pk for case in cases if not is_secret(case)],
            sequence=1,
            part="words",
        )
    }
    read = reading.readings(actor, [case for case in cases if case.pk in said])
    places = place_names(_shown_area(case) for case in cases)
    categories = Category.objects.in_bulk({case.category for case in cases if case.category})
    owed = Assignment.objects.filter(
        Q(due_at__isnull=False) | Q(duty=Duty.READ, progress=Progress.TO_SIGN),
        case_id__in=[case.pk for case in cases],
        unit_code=unit_code,
    ).order_by(F("due_at").desc(nulls_first=True))
    asked = {share.case_id: share for share in owed} if unit_code else {}
    now = clock.now()
    rows = []
    for case in cases:
        category = categories.get(case.category)
        rows.append(
            Row(
                case=case,
                title=_row_title(case, said, read),
                place=places.get(_shown_area(case), ""),
                category=category.shown_name if category else _("Not sorted yet"),
                standing=words.standing(case, now) if not case.ended else "",
                asked=asked.get(case.pk),
            )
        )
    return rows


def category_groups() -> list[tuple[str, str]]:
    """The two-digit groups of categories with their names."""
    groups = {category.code[:2]: category.shown_group for category in Category.objects.all()}
    return sorted(groups.items())


def kind_names() -> list[tuple[str, str]]:
    """The kinds of case there are, by code, as their newest version calls them."""
    names = sorted({kind.name for kind in registry.all()})
    return [(name, str(registry.latest(name).label)) for name in names]


def state_names() -> list[tuple[str, str]]:
    """The states of every kind by name, each with its words, in the manifests' order."""
    kinds = (kind for kind in registry.all() if kind is registry.latest(kind.name))
    return list({s.name: str(s.label) for kind in kinds for s in kind.states}.items())


def is_secret(case: Case) -> bool:
    """Whether no word of a case, and no closer place than the township, stands in a list."""
    return case.confidentiality == Confidentiality.C2


def _shown_area(case: Case) -> str:
    return case.area_code[:TOWNSHIP] if is_secret(case) else case.area_code


def _row_title(
    case: Case, said: dict[UUID, dict[str, Any]], read: dict[UUID, reading.Reading]
) -> str:
    if is_secret(case):
        return _("Confidential matter")
    return title_of(said.get(case.pk, {}), read.get(case.pk, reading.FULL))


def title_of(content: dict[str, Any], read: reading.Reading) -> str:
    """The title of a report, or its first words, as a viewer reads them."""
    title = read.words(str(content.get("title") or ""))
    # Masked before it is cut: half a telephone number would not be known for one.
    said = title or words.first_words(read.words(str(content.get("text", ""))))
    return said or _("(the words were erased)")


def place_names(codes: Iterable[str]) -> dict[str, str]:
    """For each area code the names from township down, or the one name above; one statement."""
    wanted = set(codes)
    parts = {code[:n] for code in wanted for n in (4, 6, 9, 12, 15) if n <= len(code)}
    names = dict(Area.objects.filter(code__in=parts).values_list("code", "name"))
    return {code: _place_name(code, names) for code in wanted}


def _place_name(code: str, names: dict[str, str]) -> str:
    shown: list[str] = []
    for length in (9, 12, 15):
        if length <= len(code) and code[:length] in names:
            name = COMMITTEE.sub("", names[code[:length]])
            # A grid's name often begins with its village's; once is enough.
            shown.append(name.removeprefix(shown[-1]).strip() if shown else name)
    return " · ".join(part for part in shown if part) or names.get(code, code)


@dataclass(frozen=True)
class Happened:
    """One event, ready to be read."""

    at: dt.datetime
    label: str
    by: str
    said: list[tuple[str, str]] = field(default_factory=list)
    photos: list[Attachment] = field(default_factory=list)
    automatic: bool = False
    state: str = ""


@dataclass(frozen=True)
class Answer:
    """What the steps and people said for one step: the newest first.

    reason, before: why, and why before with the version; as the viewer reads them.
    marks: the words of the report that decided. weighed: what came into question, as (code, words,
    share of the weight or None). rule: the row of the responsibility table, with its clause.
    """

    step: str
    label: str
    value: str
    words: str
    record: DecisionRecord
    reason: str = ""
    before: list[tuple[str, str]] = field(default_factory=list)
    twins: list[tuple[UUID, str]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    weighed: list[tuple[str, str, float | None]] = field(default_factory=list)
    rule: str = ""


@dataclass(frozen=True)
class File:
    """Everything a case page shows, read once."""

    case: Case
    events: list[Event]
    contents: dict[tuple[int, str], dict[str, Any]]
    assignments: list[Assignment]
    photos: list[Attachment]
    decisions: list[DecisionRecord]

    @property
    def words(self) -> dict[str, Any]:
        """What was reported."""
        return self.contents.get((1, "words"), {})

    @property
    def reporter(self) -> dict[str, Any]:
        """Who reported, if they said so, masked; or a sentence why it cannot be read.

        closed: whether it can be opened, with a reason.
        """
        try:
            found = reporter_of_case(self.case.pk)
        except Unreadable as closed:
            return {"name": str(closed)}
        if not found:
            return {}
        return {"name": mask_name(found.name), "phone": mask_phone(found.phone), "closed": True}


def file_of(case: Case) -> File:
    """Reads a case's rows: five statements."""
    payloads = Payload.objects.filter(case_id=case.pk, part="words")
    return File(
        case=case,
        events=list(Event.objects.filter(case_id=case.pk).order_by("sequence")),
        contents={(p.sequence, p.part): p.content or {} for p in payloads},
        assignments=list(Assignment.objects.filter(case_id=case.pk).order_by("number")),
        photos=list(Attachment.objects.filter(case_id=case.pk).order_by("number")),
        decisions=list(DecisionRecord.objects.filter(case_id=case.pk).order_by("sequence")),
    )


def timeline(file: File, read: reading.Reading = reading.FULL) -> list[Happened]:
    """The events, newest first, with actors, facts and words; one statement a kind of name.

    read: how the viewer reads the words.
    """
    kind = file.case.pinned_kind
    codes = {str(e.facts["category"]) for e in file.events if e.facts.get("category")}
    names = {c.code: c.shown_name for c in Category.objects.filter(code__in=codes)}
    names |= place_names(str(e.facts["area_code"]) for e in file.events if e.facts.get("area_code"))
    accounts = Account.objects.in_bulk({e.account_id for e in file.events if e.account_id})
    shown = []
    for event in file.events:
        account = accounts.get(event.account_id) if event.account_id else None
        shown.append(
            Happened(
                at=event.at,
                label=event_label(kind, event),
                by=_actor_words(event, account),
                said=[
                    (label, read.words(text))
                    for label, text in _said(
                        kind, event, file.contents.get((event.sequence, "words"), {}), names
                    )
                ],
                photos=[p for p in file.photos if p.sequence == event.sequence]
                if shows_photos(event, read)
                else [],
                automatic=event.role == Role.SYSTEM,
                state=str(kind.state(event.to_state).label),
            )
        )
    return shown[::-1]


def shows_photos(event: Event, read: reading.Reading) -> bool:
    """Whether a viewer sees the photos of an event: of a masked case not those of its reporter."""
    return not (read.masked_photos and (event.sequence == 1 or event.role == Role.RESIDENT))


def event_label(kind: Kind, event: Event) -> str:
    """What happened, in words."""
    if event.sequence == 1:
        return str(kind.opened)
    if event.move in Aside:
        return str(Aside(event.move).label)
    move = kind.move(event.move)
    return str(move.label) if move else event.move


def _actor_words(event: Event, account: Account | None) -> str:
    if event.role == Role.SYSTEM:
        return _("Automatic step")
    if event.role == Role.RESIDENT:
        return _("Reporter")
    parts = [words.unit_name(event.unit_code) if event.unit_code else ""]
    parts.append(account.display_name if account else str(Role(event.role).label))
    return " · ".join(part for part in parts if part)


def _said(
    kind: Kind, event: Event, content: dict[str, Any], names: dict[str, str]
) -> list[tuple[str, str]]:
    move = kind.move(event.move)
    if event.move == Aside.JOIN:
        there = kind.move(str(event.facts.get("move", "")))
        labels = {need.name: str(need.label) for need in there.needs} if there else {}
        told = [(_("On the other side"), str(there.label))] if there else []
        words_there = [(labels.get(name, _("Note")), str(text)) for name, text in content.items()]
        return [*told, *words_there]
    if event.sequence == 1 or move is None:
        return []
    labels = {need.name: str(need.label) for need in move.needs}
    free = [(labels.get(name, name), str(text)) for name, text in content.items()]
    return [*said_in_words(move, event.facts, names), *free]


def answers(file: File, actor: Actor, read: reading.Reading = reading.FULL) -> list[Answer]:
    """The automatic decisions by step, the newest answer of each with the earlier ones under it."""
    by_step: dict[str, list[DecisionRecord]] = {}
    for record in file.decisions:
        by_step.setdefault(record.step, []).append(record)
    machine = {
        step: next((r for r in reversed(rs) if not r.by_person), rs[0])
        for step, rs in by_step.items()
    }
    weighed = {step: _weighed(record, file) for step, record in machine.items()}
    places = {r.value for r in file.decisions if r.step == Step.LOCATE and r.value}
    names = place_names(places | {code for code, _share in weighed.get(Step.LOCATE.value, [])})
    codes = {r.value for r in file.decisions if r.step == Step.CLASSIFY and r.value}
    codes |= {code for code, _share in weighed.get(Step.CLASSIFY.value, [])}
    categories = {c.code: c.shown_name for c in Category.objects.filter(code__in=codes)}
    like = _like(file)
    twins = _open_to(actor, like)

    def said_of(step: Step, code: str) -> str:
        match step:
            case Step.LOCATE:
                return names.get(code, code)
            case Step.CLASSIFY:
                return categories.get(code, code)
            case Step.ROUTE:
                return words.unit_name(code) if code else ""
            case _:
                if twins:
                    return ""
                return _("Not open to this desk") if like else _("None found")

    shown = []
    for step in Step:
        records = by_step.get(step.value)
        if not records:
            continue
        last = records[-1]
        evidence = machine[step.value].evidence
        shown.append(
            Answer(
                step=step.value,
                label=str(step.label),
                value=last.value,
                words=said_of(step, last.value)
                or ("" if step == Step.DEDUPE else _("Left to a person")),
                record=last,
                reason=read.words(last.reason),
                before=[(read.words(old.reason), old.version) for old in records[-2::-1]],
                twins=twins if step == Step.DEDUPE else [],
                marks=[read.words(str(word)) for word in evidence.get("words", [])],
                weighed=[(code, said_of(step, code), share) for code, share in weighed[step.value]],
                rule=_rule(evidence) if step == Step.ROUTE else "",
            )
        )
    return shown


def _weighed(record: DecisionRecord, file: File) -> list[tuple[str, float | None]]:
    """What came into question for a step, as (code, share): by its evidence, or by a return."""
    candidates = record.evidence.get("candidates", [])
    match record.step:
        case Step.CLASSIFY:
            return [(str(code), float(share)) for code, share in candidates]
        case Step.LOCATE:
            return [(str(found["code"]), None) for found in candidates]
        case Step.ROUTE:
            named = [str(e.facts["suggested"]) for e in file.events if e.facts.get("suggested")]
            before = {str(code): float(share) for code, share in candidates}
            others = dict.fromkeys([record.value, *named]) if not before else dict.fromkeys(named)
            return [*before.items(), *((c, None) for c in others if c and c not in before)]
    return []


def _rule(evidence: dict[str, Any]) -> str:
    if "row" not in evidence:
        return ""
    said = _("Row %(row)s of the responsibility table, for area %(area)s") % evidence
    return f"{said}: {evidence['clause']}" if evidence.get("clause") else said


def _like(file: File) -> set[str]:
    """Ids of the likely twins, whoever may see them."""
    return {
        str(twin)
        for record in file.decisions
        if record.step == Step.DEDUPE
        for twin, _share in record.evidence.get("twins", [])
    }


def _open_to(actor: Actor, found: set[str]) -> list[tuple[UUID, str]]:
    """Those of the cases that this actor may see, as (case id, number)."""
    if not found:
        return []
    seen = Case.objects.visible_to(actor).filter(pk__in=found).order_by("id")
    return list(seen.values_list("pk", "number"))


@dataclass(frozen=True)
class ShownClock:
    """A clock with its label and the sentences that explain it."""

    clock: deadlines.Clock
    label: str
    said: list[str]
    sign: words.Sign


def clocks(file: File) -> list[ShownClock]:
    """The case's clocks, the running ones first."""
    now = clock.now()
    found = deadlines.clocks_of(file.case, file.events)
    rang = _rung_in_words(file.case)
    shown = [
        ShownClock(
            c,
            deadlines.label(c.name),
            [*deadlines.explain(c), *rang.get((c.name, c.due_at), ())],
            _clock_sign(c, now),
        )
        for c in found
    ]
    return sorted(shown, key=lambda s: (s.clock.ended_at is not None, s.clock.due_at))


def _rung_in_words(case: Case) -> dict[tuple[str, dt.datetime], list[str]]:
    """By clock and due time, when each rung rang and who was told; one statement."""
    rang: dict[tuple[str, dt.datetime, int], list[Alarm]] = {}
    alarms = Alarm.objects.filter(case_id=case.pk, share=0, rung__gt=Rung.URGED)
    for alarm in alarms.order_by("rung", "told_unit"):
        rang.setdefault((alarm.clock, alarm.due_at, alarm.rung), []).append(alarm)
    said: dict[tuple[str, dt.datetime], list[str]] = {}
    for (name, due_at, rung), told in rang.items():
        said.setdefault((name, due_at), []).append(
            _("%(rung)s: rang at %(at)s, told: %(units)s.")
            % {
                "rung": Rung(rung).label,
                "at": told[0].rang_at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M"),
                "units": ", ".join(words.unit_name(alarm.told_unit) for alarm in told),
            }
        )
    return said


def _clock_sign(running: deadlines.Clock, now: dt.datetime) -> words.Sign:
    if running.ended_at is not None:
        if running.was_kept(now):
            return words.Sign(_("Done in time"), "jade", "done", running.due_at)
        late = words.spell(running.ended_at - running.due_at)
        return words.Sign(_("Done %(time)s late") % {"time": late}, "crimson", "overdue")
    if running.paused:
        return words.Sign(_("Clock paused"), "stone", "pause", running.due_at)
    return words.due_sign(running.due_at, now)
