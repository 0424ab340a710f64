"""A made-up world: cases of every sort in which each word is a marker, and people of every sort.

Drawn with a fixed seed. Each case has words that stand nowhere else, so that whatever comes out of
any way can be traced to the case it came from.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from maplebridge.cases import engine
from maplebridge.cases.grades import Duty, Progress
from maplebridge.cases.kinds import registry
from maplebridge.cases.models import (
    Assignment,
    Attachment,
    Case,
    Event,
    Feed,
    Grant,
    Payload,
    Timer,
)
from maplebridge.connectors import storage
from maplebridge.insight import counts
from maplebridge.journey.models import Category, DecisionRecord, Step
from maplebridge.lib import clock, ids
from maplebridge.organisation import units
from maplebridge.organisation.models import Account, Area, Holding, Post, Unit, actors_for
from tests.gate import oracle

SEED = 20261123
CASES, PEOPLE = 360, 200
COUNTY, TOWN, OTHER_COUNTY = "330825", "330825209", "330802"
ROLES = (
    "grid_worker", "station", "clerk", "officer", "mediator", "dispatcher", "revisitor",
    "supervisor", "leader", "auditor", "administrator", "security",
)  # fmt: skip
USUAL_ROLES = {
    "center": ("dispatcher", "supervisor", "leader", "revisitor", "auditor", "administrator",
               "security"),
    "room": ("clerk", "leader", "supervisor", "revisitor"),
    "station": ("station",),
    "grid": ("grid_worker",),
    "mediation": ("mediator",),
}  # fmt: skip
GONE_UNIT, VANISHED_UNIT = f"{TOWN}-gone", f"{COUNTY}-vanished"
# What is marked: title, text, place, words of the work, who reported, a photo's bytes.
KINDS = {"title": "TT", "text": "XT", "place": "PL", "work": "EV", "reporter": "RN", "photo": "PH"}
MARK = re.compile(r"(TT|XT|PL|EV|RN|PH)(\d{4})z[0-9a-f]{4}")
REPORTERS_PHONE = re.compile(r"139(\d{4})7777")
PHONE_IN_TEXT = re.compile(r"138(\d{4})6666")
NUMBER = re.compile(r"\b\d{4,6}-\d{8}-[0-9A-Z]{6}\b")
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MATTER = registry.latest("matter")


def mark(kind: str, n: int) -> str:
    """The marker of a case's word of some kind."""
    prefix = KINDS[kind]
    return f"{prefix}{n:04d}z{hashlib.sha256(f'{prefix}{n}'.encode()).hexdigest()[:4]}"


@dataclass
class Found:
    """What of which cases stands in an answer. cases: by number, id or any marker of words."""

    cases: set[int] = field(default_factory=set)
    words: set[int] = field(default_factory=set)
    reporters: set[int] = field(default_factory=set)
    unmasked: set[int] = field(default_factory=set)

    @property
    def everything(self) -> set[int]:
        """Cases of which anything at all stands there."""
        return self.cases | self.words | self.reporters | self.unmasked


@dataclass
class Person:
    """Somebody with an account. posts: as the oracle has them today, in the order of the desk."""

    account: Account
    posts: list[oracle.Post] = field(default_factory=list)
    actors: list[Any] = field(default_factory=list)

    def client(self, post: int = 0) -> Client:
        """A browser signed in, acting under one of the posts."""
        client = Client()
        client.force_login(self.account)
        if post:
            session = client.session
            session["post"] = f"{self.posts[post].role}:{self.posts[post].unit}"
            session.save()
        return client


class World:
    """The rows, and what the oracle says of them."""

    def __init__(self) -> None:
        self.draw = random.Random(SEED)
        self.at = clock.now()
        self.today = clock.local_day(self.at)
        self.number_of: dict[Any, int] = {}
        self.ids: list[Any] = []
        self.people: list[Person] = []
        self._make_places()
        self._make_people()
        self._make_cases()
        self._make_work()
        self._make_grants()
        self.read()
        counts.rebuild()

    # -- what the oracle says ---------------------------------------------------------------

    def read(self) -> None:
        """Loads every row anew as plain values."""
        rows = oracle.Rows(
            {row["id"]: row for row in Case.objects.filter(pk__in=self.ids).values()}
        )
        for share in Assignment.objects.filter(case_id__in=self.ids).values():
            rows.shares[share["case_id"]].append(share)
        for grant in Grant.objects.filter(case_id__in=self.ids).values():
            rows.grants[grant["case_id"]].append(grant)
        self.rows = rows
        self.timers = list(Timer.objects.filter(case_id__in=self.ids).values())
        self.by_number = {row["number"]: self.number_of[key] for key, row in rows.cases.items()}
        self.by_code = {row["query_code"]: self.number_of[key] for key, row in rows.cases.items()}

    def mark_of(self, kind: str, n: int) -> str:
        """A word of the n-th case."""
        return mark(kind, n)

    def row(self, n: int) -> oracle.Row:
        """The row of the n-th case."""
        return self.rows.cases[self.ids[n]]

    def visible(self, post: oracle.Post, **options: Any) -> set[int]:
        """The cases that a post sees."""
        at = clock.now()
        return {
            self.number_of[key]
            for key, case in self.rows.cases.items()
            if oracle.sees(post, case, self.rows, at, **options)
        }

    def posts(self) -> list[tuple[Person, int, oracle.Post]]:
        """Every post of everybody, with its place in the person's list."""
        return [(who, n, post) for who in self.people for n, post in enumerate(who.posts)]

    # -- finding markers --------------------------------------------------------------------

    def found_in(self, text: str) -> Found:
        """What of the cases stands in a text."""
        found = Found()
        for kind, n in MARK.findall(text):
            (found.reporters if kind == "RN" else found.words).add(int(n))
        found.reporters |= {int(n) for n in REPORTERS_PHONE.findall(text)}
        found.unmasked |= {int(n) for n in PHONE_IN_TEXT.findall(text)}
        found.cases |= {self.by_number[s] for s in NUMBER.findall(text) if s in self.by_number}
        for said in UUIDS.findall(text):
            key = uuid.UUID(said)
            if key in self.number_of:
                found.cases.add(self.number_of[key])
        return found

    def found_in_answer(self, answer: Any, asked: object = "") -> Found:
        """What of the cases stands in an answer: its body, its headers, its cookies.

        asked: what stood in the address, and may stand in the page again.
        """
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8", "replace")
        said = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        cookies = " ".join(str(cookie) for cookie in answer.cookies.values())
        everything = f"{said} {cookies} {text}"
        return self.found_in(everything.replace(str(asked), "") if asked else everything)

    # -- places and people ------------------------------------------------------------------

    def _make_places(self) -> None:
        draw = self.draw
        codes = sorted(Area.objects.within("3308").values_list("code", flat=True))

        def below(code: str, length: int, most: int) -> list[str]:
            return [c for c in codes if len(c) == length and c.startswith(code)][:most]

        towns = [TOWN, *[c for c in below(COUNTY, 9, 3) if c != TOWN][:1],
                 *below(OTHER_COUNTY, 9, 1)]  # fmt: skip
        villages = [v for t in towns for v in below(t, 12, 2)]
        villages = sorted({*villages, f"{TOWN}201"})
        grids = [g for v in villages for g in below(v, 15, 2)]
        self.areas = ["3308", COUNTY, OTHER_COUNTY, *towns, *villages, *grids]
        wanted = [u for u in Unit.objects.order_by("code") if u.area_code in self.areas]
        lines = {"", "HSC", "ENF", "UTL", "MED", "DIS", "POL"}
        chosen = [u for u in wanted if u.line in lines or len(u.area_code) != 6]
        Unit.objects.create(
            code=GONE_UNIT, name="已撤销的队", kind="platform", area_code=TOWN, line="HSC",
            ends=self.today - dt.timedelta(days=1), synthetic=True,
        )  # fmt: skip
        units.kept.forget()
        self.units = {u.code: u for u in chosen}
        self.unit_codes = [*self.units, GONE_UNIT, VANISHED_UNIT]
        # Some places and units come up again and again, so that people and cases meet.
        self.usual_areas = [a for a in self.areas if a.startswith(COUNTY)]
        self.usual_units = draw.sample([u for u in self.units if u.startswith(COUNTY)], 14)

    def _unit(self) -> str:
        draw = self.draw
        return draw.choice(self.usual_units if draw.random() < 0.5 else self.unit_codes)

    def _make_people(self) -> None:
        draw = self.draw
        accounts = [
            Account(username=f"gate-{n}", display_name=f"编者{n}", password="!", synthetic=True)
            for n in range(PEOPLE)
        ]
        Account.objects.bulk_create(accounts)
        posts: dict[str, Post] = {}
        holdings: list[Holding] = []
        for n, account in enumerate(accounts):
            held: set[str] = set()
            for _post in range(draw.choice((0, 1, 1, 1, 2, 2, 3)) if n > 3 * len(ROLES) else 1):
                unit = self._unit()
                if unit == VANISHED_UNIT:
                    unit = GONE_UNIT
                usual = USUAL_ROLES.get(unit.rpartition("-")[2], ("officer",))
                role = draw.choice(usual if draw.random() < 0.7 else ROLES)
                if n < 3 * len(ROLES):
                    role = ROLES[n % len(ROLES)]
                    if role in oracle.SEE_NOTHING and n < len(ROLES):
                        unit = "3308-center"
                code = f"gate:{unit}:{role}"
                if code in held:
                    continue
                held.add(code)
                posts.setdefault(code, Post(code=code, unit_id=unit, role=role, title=role))
                begins, ends = self._holding()
                holdings.append(Holding(account=account, post_id=code, begins=begins, ends=ends))
        Post.objects.bulk_create(posts.values())
        with connection.cursor() as cursor:
            # The database keeps officers apart; here the gate is asked what it would do without.
            cursor.execute("SET CONSTRAINTS holding_officers_apart DEFERRED")
        Holding.objects.bulk_create(holdings)
        held_rows = list(Holding.objects.filter(account__in=accounts).values())
        post_rows = {row["code"]: row for row in Post.objects.filter(pk__in=posts).values()}
        unit_rows = {row["code"]: row for row in Unit.objects.values()}
        for account in accounts:
            found = oracle.posts_of(account.pk, self.today, held_rows, post_rows, unit_rows)
            person = Person(account, found, actors_for(account, self.today))
            self.people.append(person)

    def _holding(self) -> tuple[dt.date, dt.date | None]:
        # What holds today holds tomorrow, too: the tests may run over midnight.
        day, today = dt.timedelta(days=1), self.today
        return self.draw.choice(
            [
                (today - 100 * day, None),
                (today - 100 * day, None),
                (today - 100 * day, None),
                (today - 100 * day, today + day),
                (today, None),
                (today - 100 * day, today - day),
                (today + 2 * day, None),
            ]
        )

    # -- cases ------------------------------------------------------------------------------

    def _make_cases(self) -> None:
        draw = self.draw
        openings = []
        for n in range(CASES):
            openings.append(
                engine.Opening(
                    kind="matter", channel="web", account="gate", key=f"gate-key-{n}",
                    area_code=draw.choice(self.usual_areas + self.areas), unit_code=self._unit(),
                    words={
                        "title": mark("title", n) if n % 3 else "",
                        "text": f"{mark('text', n)} 请联系138{n:04d}6666，谢谢",
                        "place": f"{mark('place', n)}号旁",
                    },
                    reporter={"name": f"甄{mark('reporter', n)}", "phone": f"139{n:04d}7777"},
                    about_unit=self._unit() if draw.random() < 0.3 else "",
                    at=self.at - dt.timedelta(minutes=draw.randrange(60, 60 * 24 * 50)),
                )
            )  # fmt: skip
        for n, receipt in enumerate(engine.load(openings)):
            self.ids.append(receipt.case_id)
            self.number_of[receipt.case_id] = n
        categories = [c.code for c in Category.objects.order_by("code")][::7]
        cases = Case.objects.in_bulk(self.ids)
        for n, key in enumerate(self.ids):
            case = cases[key]
            state = draw.choice(MATTER.states)
            case.state, case.ended = state.name, state.ended
            case.confidentiality = draw.choice(("C0", "C0", "C1", "C1", "C2"))
            case.line = draw.choice(("", "HSC", "ENF", "UTL", "MED"))
            case.category = draw.choice(["", *categories])
            case.nature = draw.choice(("", "", "service"))
            case.supervision = draw.choice((0, 0, 0, 1, 3))
            case.late = draw.choice((False, False, True))
            case.sla_class = draw.choice(("S0", "S1", "S4"))
            case.filer_code = draw.choice(("", f"{TOWN}-room", f"{COUNTY}-center"))
            case.handler_unit = draw.choice(("", self._unit()))
            case.handed_to = draw.choice(("", "", "119"))
            case.suggested_unit = draw.choice(("", self._unit()))
            due = self.at + dt.timedelta(minutes=draw.randrange(-9000, 9000))
            case.due_at = None if case.ended or draw.random() < 0.2 else due
            case.due_clock = "accept" if case.due_at else ""
            case.closed_at = self.at if state.name in ("closed", "archived") else None
            if draw.random() < 0.7:
                case.lon, case.lat = 118.9 + n / 10000, 29.0 + n / 10000
                case.datum = "WGS84"
            if state.name == "merged":
                case.merged_into = self.ids[(n + 7) % CASES]
            case.changed_at = self.at - dt.timedelta(seconds=n // 2)
        Case.objects.bulk_update(
            cases.values(),
            ["state", "ended", "confidentiality", "line", "category", "nature", "supervision",
             "late", "sla_class", "filer_code", "handler_unit", "handed_to", "suggested_unit",
             "due_at", "due_clock", "closed_at", "lon", "lat", "datum", "merged_into",
             "changed_at"],
        )  # fmt: skip
        self.cases = cases

    def _make_work(self) -> None:
        """Shares, what units wrote, photos, automatic answers with twins, clocks that rang."""
        draw = self.draw
        shares, events, payloads, photos, records, timers, fed = [], [], [], [], [], [], []
        for n, key in enumerate(self.ids):
            case = self.cases[key]
            for number in range(1, draw.choice((1, 2, 2, 3, 4))):
                duty = draw.choice(Duty.values)
                due = draw.choice((None, self.at + dt.timedelta(hours=draw.randrange(-50, 50))))
                shares.append(
                    Assignment(
                        case_id=key, number=number, area_code=case.area_code,
                        unit_code=self._unit(), duty=duty, progress=draw.choice(Progress.values),
                        since=case.opened_at, asked_by=f"{TOWN}-room", due_at=due,
                        due_clock="assist" if due else "",
                    )
                )  # fmt: skip
            done = [("log_progress", "note")]
            done += [("supervise", "reason")] if case.supervision else []
            done += [("hand_off", "note")] if case.handed_to else []
            done += [("close", "reply")] if case.closed_at else []
            sequence = 1
            for move, field_name in done:
                sequence += 1
                at = case.opened_at + dt.timedelta(minutes=sequence)
                unit = self._unit()
                events.append(
                    Event(
                        case_id=key, sequence=sequence, area_code=case.area_code, move=move,
                        from_state=case.state, to_state=case.state, role="clerk", unit_code=unit,
                        facts={"unit": case.unit_code, "service": "119"}, key=f"{n}-{sequence}",
                        at=at, previous_hash=b"0", hash=b"0",
                    )
                )  # fmt: skip
                payloads.append(
                    Payload(
                        case_id=key, sequence=sequence, part="words", area_code=case.area_code,
                        salt=b"0", content={field_name: f"{mark('work', n)} 电138{n:04d}6666"},
                    )
                )  # fmt: skip
                fed.append(
                    Feed(
                        case_id=key, sequence=sequence, area_code=case.area_code,
                        bucket=ids.bucket_of(key), kind="matter", move=move, to_state=case.state,
                        at=at,
                    )
                )  # fmt: skip
            case.sequence = sequence
            if n % 6 == 0:
                photos.append(self._photo(key, n))
            if n % 4 == 0:
                near = [[str(key), 0.9] for key in draw.sample(self.ids, 4)]
                records.append(
                    DecisionRecord(
                        case_id=key, step=Step.DEDUPE, sequence=2, area_code=case.area_code,
                        confidence=0.9, reason="编的", version="gate", evidence={"twins": near},
                        at=self.at,
                    )
                )  # fmt: skip
                records.append(
                    DecisionRecord(
                        case_id=key, step=Step.CLASSIFY, sequence=2, area_code=case.area_code,
                        value=case.category, confidence=0.4, reason="编的", version="gate",
                        evidence={"words": ["编的"], "candidates": []}, at=self.at,
                    )
                )  # fmt: skip
            if n % 2 == 0 and case.due_at is not None:
                timers.append(self._timer(case))
        Timer.objects.filter(case_id__in=self.ids).delete()
        for model, made in (
            (Assignment, shares), (Event, events), (Payload, payloads), (Attachment, photos),
            (DecisionRecord, records), (Timer, timers), (Feed, fed),
        ):  # fmt: skip
            model.objects.bulk_create(made)
        Case.objects.bulk_update(self.cases.values(), ["sequence"])

    def _photo(self, key: Any, n: int) -> Attachment:
        data = b"\xff\xd8" + mark("photo", n).encode() + b"\xff\xd9"
        name = hashlib.sha256(data).hexdigest()
        path = storage.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Attachment(
            case_id=key, number=1, area_code=self.cases[key].area_code, sequence=1, sha256=name,
            media_type="image/jpeg", size=len(data),
        )  # fmt: skip

    def _timer(self, case: Case) -> Timer:
        told = sorted({self._unit() for _n in range(4)} | {case.unit_code})
        return Timer(
            case_id=case.pk, clock="accept", share=0, area_code=case.area_code,
            bucket=ids.bucket_of(case.pk), unit_code=case.unit_code, warn_at=case.due_at,
            due_at=case.due_at, working=False, hurried=False, rung=self.draw.choice((0, 1, 3)),
            rang_at=self.at, told=told, at=None,
        )  # fmt: skip

    def _make_grants(self) -> None:
        draw, made = self.draw, []
        hour = dt.timedelta(hours=1)
        for person in self.people:
            for post in person.posts:
                for key in draw.sample(self.ids, draw.choice((0, 4, 8, 12))):
                    times = draw.choice(
                        [
                            (-hour, hour), (-hour, hour), (-hour, hour), (-2 * hour, -hour),
                            (hour, 2 * hour),
                        ]
                    )  # fmt: skip
                    given = draw.choice((True, True, True, None, False))
                    whom = draw.choice(("this", "this", "this", "unit", "role"))
                    made.append(
                        Grant(
                            case_id=key, area_code=self.cases[key].area_code,
                            account_id=person.account.pk,
                            unit_code=self._unit() if whom == "unit" else post.unit,
                            role=draw.choice(ROLES) if whom == "role" else post.role,
                            reason="编的", asked_at=self.at - 3 * hour, hours=2, given=given,
                            begins_at=self.at + times[0] if given else None,
                            ends_at=self.at + times[1] if given else None,
                            revoked_at=self.at if draw.random() < 0.15 else None,
                        )
                    )  # fmt: skip
        Grant.objects.bulk_create(made)
