"""Every way out: what comes out for made-up people equals what the oracle says they may see.

`tests/gate/ways.py` lists the ways; the people and cases are those of `tests/gate/world.py`.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from maplebridge.cases import permissions
from maplebridge.cases.feed import News
from maplebridge.cases.kinds import Type
from maplebridge.cases.models import Assignment, Case, Feed, Look
from maplebridge.insight import reports, slips
from maplebridge.journey.models import Category, DecisionRecord, Step
from maplebridge.lib import clock
from maplebridge.lib.papers import MEDIA_TYPES
from maplebridge.organisation.people import reporter_of
from maplebridge.web.command import rows
from maplebridge.web.live import hub, viewers
from maplebridge.web.live.viewers import Known, Ticket, Viewer
from maplebridge.web.parts.position import Position
from tests.gate import oracle
from tests.gate.world import CASES, MATTER, ROLES, Found, Person, World

ROW = re.compile(r'<li class="case-row[^"]*" data-case="([^"]+)"')
MORE = re.compile(r'href="(\?[^"]*after=[^"]+)"')
TO_VERIFY = {"feedback"}
TO_READ = ("read", "to_sign")


def matches(post: oracle.Post, case: oracle.Row, tab: str, world: World) -> bool:
    """Whether a case that the post sees belongs under a tab."""
    running = not case["ended"]
    if tab == "all":
        return True
    if tab == "waiting":
        verify = (
            post.role in {"station", "grid_worker"}
            and case["area_code"].startswith(post.area)
            and case["state"] in TO_VERIFY
            and case["handler_unit"] != post.unit
        )
        return running and (case["unit_code"] == post.unit or verify)
    if tab == "asked":
        return running and any(
            share["unit_code"] == post.unit
            and (share["due_at"] is not None or (share["duty"], share["progress"]) == TO_READ)
            for share in world.rows.shares[case["id"]]
        )
    if tab == "overdue":
        return running and case["due_at"] is not None and case["due_at"] < clock.now()
    return running if tab == "open" else not running


def listed(world: World, post: oracle.Post, tab: str) -> set[int]:
    """What the oracle says stands under a tab."""
    return {n for n in world.visible(post) if matches(post, world.row(n), tab, world)}


def full(world: World, post: oracle.Post, found: set[int]) -> set[int]:
    """Those of the cases whose words the post reads as written."""
    at = clock.now()
    return {n for n in found if oracle.reads_full(post, world.row(n), world.rows, at)}


def walk(world: World, client: Client, address: str, data: dict[str, str]) -> list[Found]:
    """What stands on each page of a list, by its cursor."""
    found = []
    answer = client.get(address, data)
    while True:
        assert answer.status_code == 200
        page = world.found_in_answer(answer)
        # The cursor names the last row of the page before, too.
        listed = {world.number_of[UUID(said)] for said in ROW.findall(answer.content.decode())}
        assert page.everything <= listed | (found[-1].cases if found else set())
        page.cases = listed
        found.append(page)
        more = MORE.search(answer.content.decode())
        if more is None:
            return found
        answer = client.get(f"{address}{unescape(more[1])}")


def one_of_each(world: World) -> list[tuple[Person, int, oracle.Post]]:
    """For each role the post that sees most, and three that a conflict of interest takes most."""
    posts = world.posts()
    at = clock.now()

    def hidden(post: oracle.Post) -> int:
        return sum(
            oracle.conflicts(post, case) and oracle.covers(post, case, at)
            for case in world.rows.cases.values()
        )

    chosen = []
    for role in ROLES:
        mine = [each for each in posts if each[2].role == role]
        chosen.append(max(mine, key=lambda each: len(world.visible(each[2]))))
    chosen += sorted(posts, key=lambda each: hidden(each[2]))[-3:]
    return chosen


def unseen(world: World, post: oracle.Post, most: int) -> list[int]:
    """Cases that the post does not see, the nearest misses first."""
    seen, at = world.visible(post), clock.now()

    def near(n: int) -> int:
        case = world.row(n)
        key = case["id"]
        return -(
            4 * oracle.conflicts(post, case)
            + 3 * any(s["unit_code"] == post.unit for s in world.rows.shares[key])
            + 2 * any(g["account_id"] == post.account for g in world.rows.grants[key])
            + case["area_code"].startswith(post.area)
            + oracle.covers(post, case, at)
        )

    return sorted((n for n in range(CASES) if n not in seen), key=near)[:most]


# -- lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", rows.TABS)
def test_each_list_of_each_post_equals_the_oracle(world: World, tab: str) -> None:
    filters = [
        rows.Filters(),
        rows.Filters(state="handling"),
        rows.Filters(category="1"),
        rows.Filters(number=world.row(11)["number"][-5:].lower()),
    ]
    for who, n, post in world.posts():
        meant = listed(world, post, tab)
        for asked in filters:
            found = rows.queue(who.actors[n], tab, asked)
            said = {world.number_of[key] for key in found.values_list("pk", flat=True)}
            assert said == {
                m
                for m in meant
                if (not asked.state or world.row(m)["state"] == asked.state)
                and world.row(m)["category"].startswith(asked.category)
                and asked.number.upper() in world.row(m)["number"]
            }, (post, asked)


def test_the_pages_of_200_people_equal_the_oracle(world: World) -> None:
    """Over HTTP, by the cursor: open and ended cases, the points of the map, what rang."""
    tabs = (("open",), ("closed", "waiting"), ("open", "asked"), ("closed", "overdue"))
    for turn, who in enumerate(world.people):
        client = who.client()
        if not who.posts:
            assert client.get("/desk/").status_code == 403
            continue
        post = who.posts[0]
        if post.role in oracle.SEE_NOTHING:
            answer = client.get("/desk/", {"tab": "open"})
            assert answer.status_code in (200, 302, 403)
            assert world.found_in_answer(answer) == Found()
            continue
        for tab in tabs[turn % 4]:
            pages = walk(world, client, "/desk/", {"tab": tab})
            found = [n for page in pages for n in page.cases]
            assert len(found) == len(set(found)), "a case stands on two pages"
            assert set(found) == listed(world, post, tab), (post, tab)
            for page in pages:
                assert page.words <= {
                    n for n in page.cases if world.row(n)["confidentiality"] != "C2"
                }
                assert page.reporters == set()
                assert page.unmasked <= full(world, post, page.cases)
        if turn % 3:
            continue
        points = world.found_in_answer(client.get("/desk/map/cases.json"))
        mapped = {
            n
            for n in listed(world, post, "open")
            if world.row(n)["confidentiality"] != "C2" and world.row(n)["lon"] is not None
        }
        assert points == Found(cases=mapped), post


def test_the_map_and_the_alarms_equal_the_oracle(world: World) -> None:
    timers = {row["case_id"]: row for row in world.timers}
    for who, n, post in one_of_each(world):
        client = who.client(n)
        shown = world.found_in_answer(client.get("/desk/map/"))
        open_cases = {
            m for m in listed(world, post, "open") if world.row(m)["confidentiality"] != "C2"
        }
        assert shown.everything <= open_cases
        assert len(shown.cases) == min(len(open_cases), rows.PAGE_ROWS)
        assert shown.unmasked <= full(world, post, open_cases)
    for who in world.people[::3]:
        for n, post in enumerate(who.posts):
            rang = {
                m
                for m in world.visible(post)
                if (timer := timers.get(world.ids[m]))
                and timer["rung"] > 0
                and post.unit in timer["told"]
            }
            found = world.found_in_answer(who.client(n).get("/desk/alarms/"))
            assert found.cases == rang, post
            assert found.words | found.unmasked | found.reporters <= rang
            assert found.unmasked <= full(world, post, rang)


def test_a_guessed_number_finds_only_what_is_seen(world: World) -> None:
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), world.visible(post)
        for m in [*unseen(world, post, 2), *sorted(seen)[:2]]:
            number = world.row(m)["number"]
            tab = "closed" if world.row(m)["ended"] else "open"
            found = world.found_in_answer(client.get("/desk/", {"tab": tab, "number": number}))
            # What was typed stands in the field again, also a number that is nobody's.
            secret = world.row(m)["confidentiality"] == "C2"
            assert found.words == ({m} if m in seen and not secret else set())


# -- one case -------------------------------------------------------------------------------


def likely_twins(world: World) -> dict[int, set[int]]:
    records = DecisionRecord.objects.filter(step=Step.DEDUPE, case_id__in=world.ids)
    return {
        world.number_of[record.case_id]: {
            n for n, key in enumerate(world.ids) if str(key) in str(record.evidence)
        }
        for record in records
    }


def test_a_case_page_shows_that_case_and_visible_twins_and_nothing_else(world: World) -> None:
    twins = likely_twins(world)
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), world.visible(post)
        for m in [*sorted(seen & set(twins))[:4], *sorted(seen)[-4:]]:
            found = world.found_in_answer(client.get(f"/desk/case/{world.ids[m]}/"))
            assert found.cases == {m} | (twins.get(m, set()) & seen), (post, m)
            assert found.words == {m}
            assert found.reporters == set()
            assert found.unmasked == full(world, post, {m}), (post, m)


def test_who_reported_is_opened_by_a_reason_and_to_the_units_at_work_alone(world: World) -> None:
    opened, why = 0, {"reason": "核实现场情况", "choice": "other"}
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), sorted(world.visible(post))
        mine = [m for m in seen if oracle.sees_reporter(post, world.row(m), world.rows)]
        others = [m for m in seen if m not in mine]
        for m in [*mine[:3], *others[:3], *unseen(world, post, 4)]:
            key = world.ids[m]
            closed = client.get(f"/desk/case/{key}/reporter/")
            asked = client.post(f"/desk/case/{key}/reporter/", why)
            if m in mine:
                assert world.found_in_answer(closed).reporters == set()
                assert asked.status_code == 200
                assert world.found_in_answer(asked).reporters == {m}
                assert Look.objects.filter(case_id=key, way="reveal").exists()
                opened += 1
                continue
            original = client.post(f"/desk/case/{key}/photo/1/original/", why)
            for answer in (closed, asked, original):
                assert answer.status_code == (403 if m in others else 404)
                assert world.found_in_answer(answer, key) == Found()
    assert opened > 8


def test_what_is_not_seen_answers_like_what_is_not_there(world: World) -> None:
    """Page, photo, slips, move forms: 404, and nothing of the case."""
    for who, n, post in one_of_each(world):
        client = who.client(n)
        for m in unseen(world, post, 4):
            key = world.ids[m]
            for more in ("", "hold/", "photo/1/", "dispatch-slip.docx", "hand-over-note.pdf",
                         "move/accept/", "move/supply/", "move/nonsense/"):  # fmt: skip
                answer = client.get(f"/desk/case/{key}/{more}")
                assert answer.status_code == 404, (post, m, more)
                assert world.found_in_answer(answer, key) == Found()
            for more in ("move/accept/", "move/merge/", "overrule/classify/"):
                answer = client.post(f"/desk/case/{key}/{more}", {"key": "gate", "value": "1004"})
                assert answer.status_code == 404, (post, m, more)
                assert world.found_in_answer(answer, key) == Found()


def test_photos_and_slips_are_of_that_case_only(world: World) -> None:
    shares: dict[Any, list[Assignment]] = {key: [] for key in world.ids}
    for share in Assignment.objects.filter(case_id__in=world.ids).order_by("number"):
        shares[share.case_id].append(share)
    cases = Case.objects.in_bulk(world.ids)
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), sorted(world.visible(post))
        for m in [m for m in seen if m % 6 == 0][:3]:
            answer = client.get(f"/desk/case/{world.ids[m]}/photo/1/")
            if m in full(world, post, {m}) or world.row(m)["confidentiality"] == "C0":
                assert answer.status_code == 200
                assert world.found_in_answer(answer) == Found(words={m})
            else:  # faces and plates cannot be masked
                assert answer.status_code == 404
                assert world.found_in_answer(answer) == Found()
            assert client.get(f"/desk/case/{world.ids[m]}/photo/2/").status_code == 404
        for m in seen[:12]:
            key = world.ids[m]
            for name in slips.slips_for(cases[key], shares[key])[:1]:
                answer = client.get(f"/desk/case/{key}/{name}.docx")
                assert answer.status_code == 200
                found = world.found_in(words_of(answer.content))
                assert found.cases <= {m}
                secret = world.row(m)["confidentiality"] == "C2"
                assert found.words == (set() if secret else {m})
                assert found.reporters | found.unmasked == set()


def words_of(docx: bytes) -> str:
    """The text of a Word file, its parts one after the other."""
    with zipfile.ZipFile(io.BytesIO(docx)) as parts:
        return " ".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def test_every_form_of_a_slip_is_the_same_paper(world: World) -> None:
    """The forms are drawn from one paper; what one does not say, no other does."""
    assert set(MEDIA_TYPES) == {"pdf", "docx"}


def test_no_choice_of_a_move_form_names_another_case(world: World) -> None:
    drawn = 0
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), sorted(world.visible(post))
        twins = likely_twins(world)
        for m in seen[:4]:
            page = client.get(f"/desk/case/{world.ids[m]}/").content.decode()
            for address in re.findall(rf'href="(/desk/case/{world.ids[m]}/move/\w+/)', page)[:2]:
                drawn += 1
                answer = client.get(address, headers={"hx-request": "true"})
                assert answer.status_code == 200
                assert world.found_in_answer(answer).everything <= {m}
                whole = world.found_in_answer(client.get(address)).everything
                assert whole <= {m} | (twins.get(m, set()) & set(seen))
    assert drawn > 20


def test_a_merge_with_what_is_not_seen_is_refused_like_one_with_nothing(world: World) -> None:
    """By number or id: the sentence, the status and the statements are the same."""
    tried = 0
    merge = MATTER.move("merge")
    assert merge is not None
    into = next(need.name for need in merge.needs if need.type == Type.CASE)
    cases = Case.objects.in_bulk(world.ids)
    for who, n, post in world.posts():
        actor = who.actors[n]
        mine = [
            m
            for m in sorted(world.visible(post))
            if permissions.may(actor, merge, cases[world.ids[m]], [])
        ]
        if not mine or post.role not in ("clerk", "dispatcher") or tried > 12:
            continue
        client, address = who.client(n), f"/desk/case/{world.ids[mine[0]]}/move/merge/"
        for other in unseen(world, post, 2):
            nothing = "00000000-0000-4000-8000-000000000000"
            said = refusal(client, address, into, str(world.ids[other]))
            assert said == refusal(client, address, into, nothing)
            said = refusal(client, address, into, world.row(other)["number"])
            assert said == refusal(client, address, into, "330825-20260101-ZZZZZZ")
            tried += 1
    assert tried > 8


def refusal(client: Client, address: str, into: str, other: str) -> tuple[int, str]:
    answer = client.post(address, {"key": "gate-merge", into: other, "reason": "编的"})
    assert answer.status_code == 422
    shown = answer.content.decode().replace(other, "(typed)")
    return answer.status_code, steady(shown)


def steady(shown: str) -> str:
    """A page without what is drawn at random each time: tokens, keys, and where the feed stands."""
    shown = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", shown)
    shown = re.sub(r'name="(?:key|drawn_under)" value="[^"]+"', "", shown)
    shown = re.sub(r'data-live-after="[^"]*"|data-after="[^"]*"', "", shown)
    shown = re.sub(r"\d+-[0-9a-f]{32}-\d+", "", shown)
    return re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(id)", shown)


# -- papers and configuration ---------------------------------------------------------------


def test_the_cases_a_report_lists_equal_the_oracle(world: World) -> None:
    categories = {c.code: c.shown_name for c in Category.objects.all()}
    now = clock.now()
    today = clock.local_day(now)
    since = clock.local_day(now)
    readers = [each for each in world.posts() if reports.may_read(each[0].actors[each[1]],
                                                                   each[2].area)]  # fmt: skip
    assert {each[2].role for each in readers} == {"clerk", "dispatcher", "leader", "supervisor",
                                                  "station"}  # fmt: skip
    for who, n, post in readers:
        seen = world.visible(post)
        found = world.found_in(
            repr(reports.report("daily", post.area, today, now, categories, who.actors[n]))
        )
        meant = set()
        for m in seen:
            case = world.row(m)
            if case["confidentiality"] == "C2" or not case["area_code"].startswith(post.area):
                continue
            fresh = clock.local_day(case["opened_at"]) == since
            urgent = case["sla_class"] in ("S0", "S1") and (not case["ended"] or fresh)
            if urgent or (case["supervision"] and not case["ended"]):
                meant.add(m)
        assert found == Found(cases=meant), post
        for name in ("weekly", "monthly", "circular"):
            paper = reports.report(name, post.area, today, now, categories, who.actors[n])
            assert world.found_in(repr(paper)) == Found(), (post, name)


def test_reports_over_http_are_for_readers_of_that_area_only(world: World) -> None:
    for who, n, post in one_of_each(world):
        client = who.client(n)
        page = client.get("/desk/papers/")
        assert world.found_in_answer(page) == Found()
        for area in {post.area, "3308", "330802", "330825209"}:
            asked = {"paper": "daily", "area": area, "form": "docx"}
            answer = client.get("/desk/papers/", asked)
            allowed = area.startswith(post.area) and post.role in {
                "clerk", "dispatcher", "leader", "supervisor", "station",
            }  # fmt: skip
            assert answer.status_code == (200 if allowed else 404), (post, area)
            if allowed:
                found = world.found_in(words_of(answer.content))
                assert found.everything <= {
                    m for m in world.visible(post) if world.row(m)["area_code"].startswith(area)
                }
                assert found.words == found.reporters == found.unmasked == set()


def test_figures_and_configuration_name_no_case(world: World) -> None:
    for who, n, _post in one_of_each(world):
        client = who.client(n)
        assert world.found_in_answer(client.get("/desk/figures/")) == Found()
        for address in ("/configuration/", "/configuration/gaps/", "/configuration/categories/"):
            assert world.found_in_answer(client.get(address)) == Found()


def test_a_table_tried_out_tells_an_administrator_of_no_case(world: World) -> None:
    tried = 0
    for who, n, post in world.posts():
        if post.role != "administrator" or post.area != "3308":
            continue
        client = who.client(n)
        text = client.get("/configuration/categories/1/file/").content.decode("utf-8-sig")
        table = [line.split(",") for line in text.splitlines()]
        place = table[0].index("sla_class")
        for cells in table[1:]:
            cells[place] = "S4" if cells[place] == "S3" else cells[place]
        changed = "\n".join(",".join(cells) for cells in table)
        sent = SimpleUploadedFile("categories.csv", changed.encode(), "text/csv")
        answer = client.post("/configuration/categories/try/", {"file": sent})
        assert answer.status_code == 200, answer.content.decode()
        assert world.found_in_answer(answer) == Found()
        assert "effect-title" in answer.content.decode()
        tried += 1
    assert tried > 0


def test_the_auditor_reads_who_looked_and_nothing_else(world: World) -> None:
    at = clock.now()
    for m in range(0, CASES, 9):
        case = world.row(m)
        Look.objects.create(
            case_id=world.ids[m], area_code=case["area_code"], confidentiality="C1",
            role="clerk", unit_code=case["unit_code"], way="page", at=at,
        )  # fmt: skip
    for who, n, post in world.posts():
        answer = who.client(n).get("/desk/looks/") if post.role in oracle.SEE_NOTHING else None
        if answer is None:
            continue
        if post.role != "auditor":
            assert answer.status_code == 403
            assert world.found_in_answer(answer) == Found()
            continue
        inside = {m for m in range(0, CASES, 9) if world.row(m)["area_code"].startswith(post.area)}
        found = world.found_in_answer(answer)
        assert found.cases <= inside
        assert found == Found(cases=found.cases)
        assert len(found.cases) == min(len(inside), 50)


# -- live -----------------------------------------------------------------------------------


def told_all(world: World) -> list[viewers.Told]:
    cases = Case.objects.in_bulk(world.ids)
    shares: dict[Any, list[Assignment]] = {key: [] for key in cases}
    for share in Assignment.objects.filter(case_id__in=world.ids):
        shares[share.case_id].append(share)
    return [
        (
            News(f.case_id, f.sequence, f.area_code, f.kind, f.move, f.to_state, f.at, "7"),
            cases[f.case_id],
            shares[f.case_id],
        )
        for f in Feed.objects.filter(case_id__in=world.ids).order_by("case_id", "sequence")
    ]


def said_to(reader: hub.Reader) -> str:
    parts = []
    while not reader.waiting.empty():
        parts.append((reader.waiting.get_nowait() or b"").decode())
    return "".join(parts)


def test_the_live_stream_tells_each_post_what_the_oracle_says(world: World) -> None:
    """All at once, as in one process: two people of one post may see different cases."""
    told = told_all(world)
    one = hub.Hub()
    readers = []
    for who, n, post in world.posts():
        reader = hub.Reader(Ticket(f"{who.account.pk}"), Viewer(who.actors[n]))
        readers.append((post, reader))
    for m in range(0, CASES, 40):
        actor = reporter_of(world.ids[m])
        into = world.row(m)["merged_into"] or world.ids[m]
        reader = hub.Reader(Ticket(code="x"), Viewer(actor, frozenset({world.ids[m], into})))
        readers.append((m, reader))
    one.readers = {reader for _post, reader in readers}
    one.tell(told, Position(8))
    for post, reader in readers:
        found = world.found_in(said_to(reader))
        is_own = isinstance(post, int)
        meant = {post} if is_own else world.visible(post, with_grants=False)
        assert found == Found(cases=meant), post


@pytest.fixture
def all_news(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The feed as if every event had just happened."""
    news = [one for one, _case, _shares in told_all(world)]
    end = Position(9)

    def after(start: Position) -> tuple[list[News], Position]:
        return (news, end) if start < end else ([], start)

    monkeypatch.setattr(viewers, "news_after", after)
    return


@pytest.mark.usefixtures("all_news")
def test_what_a_page_asks_for_by_itself_equals_the_oracle(world: World) -> None:
    start = str(Position(1))
    for who, n, post in world.posts()[::4]:
        client = who.client(n)
        some = ",".join(str(world.ids[m]) for m in range(0, CASES, 9))
        answer = client.get("/live/since/", {"after": start, "rows": some})
        assert answer.status_code == 200
        said = json.loads(answer.content)
        events = world.found_in(json.dumps(said["events"]))
        assert events == Found(cases=world.visible(post, with_grants=False)), post
        gone = world.found_in(json.dumps(said["gone"])).cases
        assert gone == {m for m in range(0, CASES, 9) if m not in world.visible(post)}
    for n in range(0, CASES, 60):
        code = world.row(n)["query_code"]
        said = json.loads(Client().get("/live/since/", {"after": start, "code": code}).content)
        assert world.found_in(json.dumps(said)) == Found(cases={n})
    assert Client().get("/live/since/", {"after": start}).status_code == 403


def test_a_case_that_was_never_known_is_not_told_as_gone(world: World) -> None:
    known = Known()
    known.add([world.ids[1]])
    assert [known.lose(world.ids[m]) for m in (0, 1, 1)] == [False, True, False]


# -- whoever reported -----------------------------------------------------------------------


def test_a_receipt_shows_the_own_report_and_of_a_common_one_only_the_work(world: World) -> None:
    merged = [n for n in range(CASES) if world.row(n)["merged_into"]][:12]
    assert len(merged) > 5
    for n in [*range(0, CASES, 15), *merged]:
        case = world.row(n)
        code = case["query_code"]
        answer = Client().get(f"/r/{code}/")
        assert answer.status_code == 200
        found = world.found_in_answer(answer)
        way = {n}
        target = case
        while target["merged_into"] is not None:
            target = world.rows.cases[target["merged_into"]]
            way = {n, world.number_of[target["id"]]}
        allowed = {n} if target["confidentiality"] == "C2" else way
        assert found.cases | found.words <= allowed, n
        assert found.reporters <= {n}
        own = answer.content.decode()
        for other in way - {n}:
            for kind in ("title", "text", "place"):
                assert world.mark_of(kind, other) not in own
        said = Client().get(f"/api/v1/reports/{code}")
        assert said.status_code == 200
        assert world.found_in_answer(said) == Found(cases={n})
        picture = Client().get(f"/r/{code}/photo/1/")
        assert picture.status_code == (200 if n % 6 == 0 else 404)
        if n % 6 == 0:
            assert world.found_in_answer(picture) == Found(words={n})


def test_the_verifying_states_are_those_of_the_manifest() -> None:
    """The lists above name the one state in which somebody else has to look."""
    verify = {s for m in MATTER.moves if m.who.value == "other" for s in m.sources}
    assert {state for state in verify if not MATTER.state(state).ended} == TO_VERIFY


# -- leave to read, leads, and the reporter's moves -----------------------------------------


def test_asking_for_leave_tells_nothing_of_a_number(world: World) -> None:
    """Asked with the number of a case that is not seen, or with nobody's: the same answer."""
    for who, n, post in one_of_each(world):
        client = who.client(n)
        before = world.found_in_answer(client.get("/desk/grants/"))
        ruled = {
            world.number_of[grant["case_id"]]
            for grants in world.rows.grants.values()
            for grant in grants
            if (grant["account_id"], grant["unit_code"], grant["role"])
            == (post.account, post.unit, post.role)
            and grant["given"] is not None
        }
        if post.role == "security":
            asked = {
                world.number_of[key]
                for key, grants in world.rows.grants.items()
                if grants and world.rows.cases[key]["area_code"].startswith(post.area)
            }
            assert before == Found(cases=before.cases & asked)
            continue
        assert before == Found(cases=before.cases & ruled), post
        if post.role in oracle.SEE_NOTHING:
            assert before == Found()
            continue
        said = []
        never = [m for m in unseen(world, post, CASES) if m not in ruled]
        for number in (world.row(never[0])["number"], "330825-20260101-ZZZZZZ"):
            answer = client.post(
                "/desk/grants/",
                {"act": "ask", "number": number, "reason": "需要查阅此件", "hours": "24",
                 "key": number},
            )  # fmt: skip
            assert answer.status_code == 302
            page = client.get("/desk/grants/").content.decode()
            said.append(steady(page.replace(number, "(typed)")))
        assert said[0] == said[1]


def test_leads_are_listed_to_their_organ_alone(world: World) -> None:
    organs = 0
    Case.objects.filter(pk__in=world.ids[::3]).update(state="handed_over", ended=False)
    for who, n, post in world.posts()[::2]:
        answer = who.client(n).get("/desk/leads/")
        if post.role != "officer" or post.line not in ("POL", "DIS"):
            assert answer.status_code == 403
            assert world.found_in_answer(answer) == Found()
            continue
        organs += 1
        mine = {m for m in world.visible(post) if world.row(m)["unit_code"] == post.unit}
        assert world.found_in_answer(answer) == Found(
            cases={m for m in mine if m % 3 == 0 or world.row(m)["state"] == "received"}
        ), post
    assert organs > 2


def test_a_move_of_a_reporter_shows_the_own_receipt_again(world: World) -> None:
    for n in range(0, CASES, 23):
        code = world.row(n)["query_code"]
        into = world.row(n)["merged_into"]
        for name in ("rate", "appeal", "accept", "nonsense"):
            answer = Client().post(f"/r/{code}/move/{name}/", {"key": f"own-{n}-{name}"})
            found = world.found_in_answer(answer)
            assert found.everything <= {n} | ({world.number_of[into]} if into else set())


def test_a_hold_is_a_page_of_that_case_only(world: World) -> None:
    for who, n, post in one_of_each(world):
        client = who.client(n)
        for m in sorted(world.visible(post))[:3]:
            answer = client.get(f"/desk/case/{world.ids[m]}/hold/")
            found = world.found_in_answer(answer)
            if answer.status_code == 200:
                assert post.role in ("clerk", "dispatcher")
                assert found == Found(cases={m})
            else:
                assert answer.status_code == 403
                assert world.found_in_answer(answer, world.ids[m]) == Found()


def test_a_draft_and_an_open_page_are_of_that_case_only(world: World) -> None:
    for who, n, post in one_of_each(world):
        client = who.client(n)
        seen = sorted(world.visible(post))
        unseen = next(m for m in range(CASES) if m not in seen)
        for m in seen[:2]:
            note = {"note": "先放着"}
            for address, said in (("together/", {}), ("draft/log/", note), ("note/", note)):
                answer = client.post(f"/desk/case/{world.ids[m]}/{address}", said)
                assert world.found_in_answer(answer, world.ids[m]).everything <= {m}
        for address in ("together/", "draft/log/", "note/"):
            answer = client.post(f"/desk/case/{world.ids[unseen]}/{address}", {"note": "x"})
            assert answer.status_code in (302, 403, 404)
            assert world.found_in_answer(answer, world.ids[unseen]) == Found()


def test_my_data_is_of_the_own_report_alone(world: World) -> None:
    for n in range(0, CASES, 23):
        address = f"/r/{world.row(n)['query_code']}/mine/"
        page = world.found_in_answer(Client().get(address))
        assert page.everything <= {n}
        assert page.reporters == set()
        for digits, whole in (("", set()), ("0000", set()), ("7777", {n})):
            said = {"wish": "access", "digits": digits, "key": f"mine-{n}-{digits}"}
            found = world.found_in_answer(Client().post(address, said))
            assert found.everything <= {n}
            assert found.reporters == whole, (n, digits)


def test_a_destruction_list_tells_nothing_of_what_is_not_seen(world: World) -> None:
    long_ago = clock.now() - dt.timedelta(days=365 * 40)
    ended = [n for n in range(CASES) if world.row(n)["ended"]]
    Case.objects.filter(pk__in=[world.ids[n] for n in ended]).update(changed_at=long_ago)
    owed = Assignment.objects.filter(case_id__in=world.ids, progress__in=("to_sign", "handling"))
    owed.update(progress="done")
    listed = 0
    for who, n, post in one_of_each(world):
        client = who.client(n)
        assert world.found_in_answer(client.get("/desk/destruction/")) == Found()
        made = client.post("/desk/destruction/")
        if post.role != "dispatcher":
            assert made.status_code in (403, 422)
            assert world.found_in_answer(made) == Found()
            continue
        page = client.get(made["Location"])
        found = world.found_in_answer(page)
        assert found == Found(cases=found.cases)
        inside = {m for m in ended if world.row(m)["area_code"].startswith(post.area)}
        assert found.cases <= inside
        # Of what is not seen the list says the number, and no kind.
        seen = world.visible(post)
        for m in found.cases:
            row = page.content.decode().split(f"<span>{world.row(m)['number']}</span>")[1]
            kind = row.split("<span>")[1].split("</span>")[0]
            assert kind == (world.row(m)["category"] or "—" if m in seen else "—"), (post, m)
            listed += m not in seen
    assert listed > 3
