"""The roll-up: equal to a recount after anything, asked without reading a case."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Sequence

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from maplebridge.cases import feed
from maplebridge.cases.models import Case, Feed
from maplebridge.insight import counts
from maplebridge.insight.models import Counted, Rollup
from maplebridge.insight.periods import Period
from maplebridge.insight.tests.lives import Lives
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.lib.ids import bucket_of

TODAY = Period(local_day(now()), local_day(now()))


def drain(holder="me", work=counts.carry_out) -> int:
    done = 0
    while found := feed.carry_out_together(counts.READER, holder, work):
        done += found
    return done


def all_news() -> list[feed.News]:
    return [
        feed.News(f.case_id, f.sequence, f.area_code, f.kind, f.move, f.to_state, f.at, "0")
        for f in Feed.objects.order_by("case_id", "sequence")
    ]


@pytest.mark.django_db
def test_a_case_stands_in_the_cell_of_its_township_category_day_and_state(town):
    at = dt.datetime(2026, 11, 22, 17, tzinfo=dt.UTC)  # the 23rd in China
    receipt = town.report(at=at, area_code="330825")
    counts.carry_out(all_news())
    day = dt.date(2026, 11, 23)
    assert counts.rollup() == {(day, "330825", "", "reported"): 1}
    town.triage(receipt.case_id)
    counts.carry_out(all_news())
    assert counts.rollup() == {(day, town.town_code, "1004", "reported"): 1}
    town.move(receipt.case_id, "overrule", town.town, {"category": "0901", "area_code": "330802"})
    counts.carry_out(all_news())
    assert counts.rollup() == {(day, "330802", "0901", "reported"): 1}
    assert Counted.objects.get().sequence == 3


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [2, 17])
def test_whatever_happens_in_whatever_order_the_roll_up_is_the_recount(town, seed):
    """Random moves; news told twice, late, in any order and in batches of any size."""
    walk, draw = Lives(town, seed), random.Random(seed)
    kept: list[feed.News] = []
    for _round in range(10):
        for _ in range(7):
            walk.step()
        kept = all_news()
        told = draw.choices(kept, k=draw.randint(1, len(kept)))
        for begin in range(0, len(told), size := draw.randint(1, 9)):
            counts.carry_out(told[begin : begin + size])
        counted = Counted.objects.filter(sequence__gt=0).count()
        assert sum(counts.rollup().values()) == counted
    draw.shuffle(kept)
    for news in kept:
        counts.carry_out([news])
    assert counts.rollup() == counts.recount()
    assert sum(counts.rollup().values()) == Case.objects.count() == len(walk.cases)
    assert not Rollup.objects.filter(count__lte=0).exists()
    assert walk.made >= 20


def test_a_case_read_earlier_does_not_overwrite_one_read_later(committed_town):
    """Two workers hold the same case; the one that read it first writes last."""
    town = committed_town
    case = town.opened("accepted")
    with connection.cursor() as cursor:
        cursor.execute(counts.CASES, {"cases": [case.pk]})
        ((case_id, sequence, *cell),) = cursor.fetchall()
    town.walk_from(case.pk, "accepted", "filed")
    counts.carry_out(all_news())
    counts._move({case_id: (sequence, tuple(cell))})
    assert counts.rollup() == counts.recount()
    assert [key[3] for key in counts.rollup()] == ["filed"]


def test_readers_at_once_and_moves_meanwhile_count_every_case_once(committed_town):
    """Two workers read the feed, two more are told everything again and again, cases move on."""
    town = committed_town
    cases = [town.report(f"第{n}处路灯不亮", area_code="330825209").case_id for n in range(24)]
    stop = threading.Event()
    wrong: list[BaseException] = []

    def again(seed: int) -> None:
        draw = random.Random(seed)
        try:
            while not stop.is_set():
                news = all_news()
                draw.shuffle(news)
                counts.carry_out(news[:40])
        except BaseException as failure:
            wrong.append(failure)
        finally:
            connections.close_all()

    def read(holder: str) -> None:
        try:
            while not stop.is_set():
                if not drain(holder):
                    time.sleep(0.01)
        except BaseException as failure:
            wrong.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=again, args=(n,)) for n in (1, 2)]
    threads += [threading.Thread(target=read, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    try:
        for case_id in cases:
            town.triage(case_id)
            if case_id.int % 3:
                town.walk(case_id, "handling")
        for case_id in cases[:4]:
            kept = town.opened("accepted")
            if town.case(case_id).state == "reported":
                town.move(case_id, "merge", town.town, {"into": str(kept.pk)})
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert wrong == []
    drain()
    assert counts.rollup() == counts.recount()
    assert sum(counts.rollup().values()) == Case.objects.count()


def test_a_bad_row_does_not_hold_up_the_batch(committed_town):
    town = committed_town
    bad, good = town.report(), [town.report() for _ in range(20)]

    def work(batch: Sequence[feed.News]) -> None:
        if any(news.case_id == bad.case_id for news in batch):
            raise RuntimeError("bad")
        counts.carry_out(batch)

    with pytest.raises(RuntimeError, match="bad"):
        drain(work=work)
    elsewhere = [r for r in good if bucket_of(r.case_id) != bucket_of(bad.case_id)]
    assert sum(counts.rollup().values()) >= len(elsewhere) > 0
    assert drain() >= 1
    assert counts.rollup() == counts.recount()
    assert sum(counts.rollup().values()) == len(good) + 1


def test_verify_tells_a_wrong_cell_from_news_that_wait_and_rebuild_mends_it(committed_town):
    town = committed_town
    town.opened("filed")
    town.opened("archived")
    drain()
    assert counts.verify() == counts.Verdict(cells=2, wrong=0, waiting=0)
    town.opened("filed")
    assert counts.verify() == counts.Verdict(cells=2, wrong=0, waiting=1)
    drain()
    Rollup.objects.filter(state="filed").update(count=7)
    assert counts.verify() == counts.Verdict(cells=2, wrong=1, waiting=0)
    Counted.objects.filter(state="archived").delete()
    assert counts.rebuild() == 2
    assert counts.verify() == counts.Verdict(cells=2, wrong=0, waiting=0)
    assert counts.rollup() == counts.recount()
    drain()
    assert counts.rollup() == counts.recount()


@pytest.mark.django_db
def test_a_county_month_is_one_statement_and_reads_no_case(town):
    noon = dt.datetime(2026, 11, 20, 12, tzinfo=CHINA)
    for days in (0, 0, 3, 40):
        receipt = town.report(at=noon - dt.timedelta(days=days))
        town.triage(receipt.case_id)
    town.report(at=noon, area_code="330825")
    town.report(at=noon, area_code="330802005")
    counts.carry_out(all_news())
    november = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 30))
    with CaptureQueriesContext(connection) as seen:
        towns = counts.by_township("330825", november)
    assert len(seen.captured_queries) == 1
    assert "insight_rollup" in seen.captured_queries[0]["sql"]
    assert "cases_" not in seen.captured_queries[0]["sql"]
    assert [(t.name, t.opened, t.open) for t in towns] == [(town.town_code, 3, 3), ("330825", 1, 1)]
    categories = counts.by_category("330825", november)
    assert [(c.name, c.opened) for c in categories] == [("1004", 3), ("", 1)]
    week = counts.by_day("330825", noon.date(), 7)
    assert [(day.name[-2:], day.opened) for day in week] == [
        ("14", 0), ("15", 0), ("16", 0), ("17", 1), ("18", 0), ("19", 0), ("20", 3),
    ]  # fmt: skip
    assert len(counts.by_day("3308", noon.date(), 30)) == 30
    assert sum(day.opened for day in counts.by_day("3308", noon.date(), 30)) == 5


def test_the_roll_up_knows_nothing_below_a_township():
    with pytest.raises(ValueError, match="330825209201"):
        counts.by_township("330825209201", TODAY)
