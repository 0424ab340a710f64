"""A count of few cases tells of each of them: what a reader may not see changes no figure at all.

Proved by taking away: the figures and reports of a reader are drawn twice, the second time without
any case that the reader does not see. The two are the same to the last sign, so no count, and no
difference of two counts, holds anything of them.
"""

from __future__ import annotations

import re
from difflib import ndiff
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from maplebridge.cases.models import Case
from maplebridge.insight import counts, reports
from maplebridge.insight.indicators import FEWEST
from maplebridge.journey.models import Category
from maplebridge.lib import clock
from tests.gate import oracle
from tests.gate.test_every_way_out import steady
from tests.gate.world import World

ELSEWHERE = "9999"
# Whoever looks over all cases of an area. A supervisor has the figures of C0 and C1 by the post,
# although only some of the cases can be opened; for that post C2 and conflicts are taken away.
WHOLE = ("station", "clerk", "dispatcher", "leader")


def drawn(world: World, who: Any, n: int, post: oracle.Post, at: Any) -> dict[str, str]:
    """Every figure that a reader can have: pages for three periods, and all reports."""
    client = who.client(n)
    day = clock.local_day(at)
    shown: dict[str, str] = {}
    for kind in ("day", "month", "year"):
        answer = client.get("/desk/figures/", {"kind": kind})
        if answer.status_code == 200:
            text = re.sub(r"<time.*?</time>", "", answer.content.decode())
            shown[kind] = steady(text)
    if reports.may_read(who.actors[n], post.area):
        categories = {c.code: c.shown_name for c in Category.objects.all()}
        for name in reports.REPORTS:
            paper = reports.report(name, post.area, day, at, categories, who.actors[n])
            shown[name] = repr(paper)
    return shown


def difference(before: str, after: str) -> list[str]:
    """The lines that differ, to be read by whoever mends it."""
    found = ndiff(before.splitlines(), after.splitlines()) if before != after else []
    return [line for line in found if line[0] in "+-"][:4]


def chosen(world: World) -> list[tuple[Any, int, oracle.Post]]:
    """For each role with figures the post from which most is hidden."""
    at = clock.now()

    def hidden(post: oracle.Post) -> int:
        return sum(
            case["area_code"].startswith(post.area) and not oracle.sees(post, case, world.rows, at)
            for case in world.rows.cases.values()
        )

    found = []
    for role in (*WHOLE, "supervisor", "officer", "mediator", "grid_worker"):
        mine = [each for each in world.posts() if each[2].role == role]
        found += sorted(mine, key=lambda each: (hidden(each[2]), each[2].unit))[-2:]
    return found


def test_what_a_reader_does_not_see_changes_no_figure(world: World) -> None:
    taken = 0
    for who, n, post in chosen(world)[1::2]:
        at = clock.now()
        seen = world.visible(post)
        gone = [
            key
            for key, case in world.rows.cases.items()
            if world.number_of[key] not in seen
            and (
                post.role in WHOLE
                or case["confidentiality"] == "C2"
                or oracle.conflicts(post, case)
            )
        ]
        before = drawn(world, who, n, post, at)
        assert before, post
        Case.objects.filter(pk__in=gone).update(area_code=ELSEWHERE)
        counts.rebuild()
        after = drawn(world, who, n, post, at)
        changed = {name: difference(before[name], after[name]) for name in before}
        assert {name: lines for name, lines in changed.items() if lines} == {}, post
        assert after == before
        for key in gone:
            Case.objects.filter(pk=key).update(area_code=world.rows.cases[key]["area_code"])
        counts.rebuild()
        taken += len(gone)
    assert taken > 500


def test_the_figures_are_not_empty_and_do_change_with_what_is_seen(world: World) -> None:
    """Otherwise the test above would prove nothing."""
    for who, n, post in chosen(world)[:6:2]:
        at = clock.now()
        before = drawn(world, who, n, post, at)
        seen = [
            m
            for m in world.visible(post)
            if world.row(m)["area_code"].startswith(post.area)
            and world.row(m)["confidentiality"] != "C2"
            and (post.role != "supervisor")
        ]
        if not seen:
            continue
        key = world.ids[seen[0]]
        Case.objects.filter(pk=key).update(area_code=ELSEWHERE)
        counts.rebuild()
        after = drawn(world, who, n, post, at)
        assert {name for name in before if before[name] != after[name]} >= {"year"}
        Case.objects.filter(pk=key).update(area_code=world.rows.cases[key]["area_code"])
        counts.rebuild()


def test_the_board_of_the_roll_up_counts_what_stands_apart_nowhere(world: World) -> None:
    cells = counts.rollup()
    assert sum(
        n for (_day, _town, category, _state), n in cells.items() if category == "C2"
    ) == sum(
        case["confidentiality"] == "C2" or case["about_unit"] != ""
        for case in world.rows.cases.values()
    )
    assert counts.recount() == cells


def test_an_upgrade_counts_the_same(world: World) -> None:
    before = counts.rollup()
    upgrade = import_module("maplebridge.insight.migrations.0002_what_no_board_counts")
    upgrade.count_again(None, SimpleNamespace(connection=connection))
    assert counts.rollup() == before
    assert len(before) > 50


def test_a_table_tried_out_counts_no_few_cases(world: World) -> None:
    """An administrator sees no case, and learns of no single one by trying a table."""
    who, n, _post = next(
        each for each in world.posts() if each[2].role == "administrator" and each[2].area == "3308"
    )
    client = who.client(n)
    text = client.get("/configuration/categories/1/file/").content.decode("utf-8-sig")
    table = [line.split(",") for line in text.splitlines()]
    place = table[0].index("sla_class")
    for cells in table[1:]:
        cells[place] = "S4" if cells[place] == "S3" else cells[place]
    changed = "\n".join(",".join(cells) for cells in table)
    sent = SimpleUploadedFile("categories.csv", changed.encode(), "text/csv")
    page = client.post("/configuration/categories/try/", {"file": sent}).content.decode()
    effect = page[page.index("effect-title") :].split("</section>")[0]
    shown = [int(said) for said in re.findall(r">\s*(?:约 ?)?(\d+)\s*</td>", effect)]
    said = re.search(r"<p>(.*?)</p>", effect)
    assert said is not None
    shown += [int(number) for number in re.findall(r"\d+", said[1])]
    assert len(shown) > 2
    assert all(number == 0 or number % FEWEST == 0 for number in shown), shown
