"""The feed, with committed rows and many connections: nothing skipped, nothing lost, in order."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from maplebridge.cases import engine, feed
from maplebridge.cases.models import Feed, FeedCursor, FeedFailure
from maplebridge.lib.ids import BUCKETS, bucket_of

READER = "test"


def read_all(reader=READER, holder="me"):
    told = []
    while feed.carry_out(reader, holder, told.append):
        pass
    return [(n.case_id, n.sequence) for n in told]


def in_thread(work):
    thread = threading.Thread(target=lambda: (work(), connections.close_all()))
    thread.start()
    return thread


def test_every_event_is_told_once_and_in_order_within_its_case(committed_town):
    town = committed_town
    feed.enrol(READER)
    cases = [town.opened("handling") for _ in range(5)]
    told = read_all()
    assert sorted(told) == sorted((row.case_id, row.sequence) for row in Feed.objects.all())
    for case in cases:
        assert [s for c, s in told if c == case.pk] == [1, 2, 3, 4, 5, 6]
    assert read_all() == []


def test_a_slow_transaction_is_not_skipped(committed_town):
    """It took its number first and commits last; the reader waits for it and then tells it."""
    town = committed_town
    feed.enrol(READER)
    opened, may_end = threading.Event(), threading.Event()
    slow: list[engine.Opened] = []

    def open_slowly() -> None:
        with transaction.atomic():
            slow.append(town.report("慢的"))
            opened.set()
            may_end.wait(20)

    thread = in_thread(open_slowly)
    assert opened.wait(20)
    quick = town.report("快的")
    before = read_all()
    assert (quick.case_id, 1) not in before
    may_end.set()
    thread.join(20)
    assert sorted(before + read_all()) == sorted([(slow[0].case_id, 1), (quick.case_id, 1)])


def test_a_rolled_back_opening_leaves_nothing(committed_town):
    town = committed_town
    feed.enrol(READER)
    with pytest.raises(RuntimeError), transaction.atomic():
        town.report()
        raise RuntimeError
    assert read_all() == []
    assert Feed.objects.count() == 0


def test_a_reader_that_fails_is_told_the_same_row_again(committed_town):
    town = committed_town
    feed.enrol(READER)
    receipt = town.report()

    def fail(_news: feed.News) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        feed.carry_out(READER, "me", fail)
    assert read_all() == [(receipt.case_id, 1)]


def test_a_row_that_can_never_be_carried_out_is_left_behind_and_kept_for_the_operator(
    committed_town, monkeypatch
):
    monkeypatch.setattr(feed, "MOST_TRIES", 3)
    feed.enrol(READER)
    receipt = committed_town.report()

    def fail(_news: feed.News) -> None:
        raise RuntimeError("poison")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            feed.carry_out(READER, "me", fail)
    feed.carry_out(READER, "me", fail)
    assert read_all() == []
    kept = FeedFailure.objects.get(case_id=receipt.case_id)
    assert (kept.tries, kept.said) == (3, "RuntimeError: poison")


def test_a_reader_may_take_many_rows_at_once(committed_town, monkeypatch):
    """In the same order within a case, in batches of the size asked for; told once."""
    monkeypatch.setattr(feed, "ROWS_AT_ONCE", 7)
    town = committed_town
    feed.enrol(READER)
    cases = [town.opened("handling") for _ in range(5)]
    batches: list[list[feed.News]] = []
    while feed.carry_out_together(READER, "me", lambda rows: batches.append(list(rows))):
        pass
    assert max(map(len, batches)) == 7
    told = [(n.case_id, n.sequence) for batch in batches for n in batch]
    for case in cases:
        assert [s for c, s in told if c == case.pk] == [1, 2, 3, 4, 5, 6]
    assert len(told) == 30
    assert read_all() == []


def test_one_bad_row_of_many_holds_up_only_its_bucket(committed_town, monkeypatch):
    monkeypatch.setattr(feed, "MOST_TRIES", 2)
    town = committed_town
    feed.enrol(READER)
    bad, *good = [town.report() for _ in range(12)]
    told: list[feed.News] = []

    def work(rows):
        if any(row.case_id == bad.case_id for row in rows):
            raise RuntimeError("poison")
        told.extend(rows)

    def behind():
        with pytest.raises(RuntimeError, match="poison"):
            feed.carry_out_together(READER, "me", work)

    behind()
    free = {r.case_id for r in good if bucket_of(r.case_id) != bucket_of(bad.case_id)}
    assert free <= {row.case_id for row in told}
    feed.carry_out_together(READER, "me", work)
    assert sorted(row.case_id for row in told) == sorted(r.case_id for r in good)
    assert FeedFailure.objects.get(case_id=bad.case_id).tries == 2
    assert read_all() == []


def test_a_bucket_held_by_another_worker_is_left_alone_until_its_lease_ends(committed_town):
    town = committed_town
    feed.enrol(READER)
    receipt = town.report()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_feedcursor SET holder = 'other', held_until = now() + interval '1 hour'"
            " WHERE reader = %s",
            [READER],
        )
    assert read_all() == []
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_feedcursor SET held_until = now() - interval '1 second'"
            " WHERE reader = %s",
            [READER],
        )
    assert read_all() == [(receipt.case_id, 1)]


def test_a_reader_has_one_cursor_in_every_bucket_however_often_it_enrols(committed_town):
    feed.enrol(READER)
    feed.enrol(READER)
    assert FeedCursor.objects.filter(reader=READER).count() == BUCKETS
    receipt = committed_town.report()
    assert Feed.objects.get(case_id=receipt.case_id).bucket == bucket_of(receipt.case_id)


def test_two_clerks_at_once_make_one_move(committed_town):
    town = committed_town
    case = town.opened()
    outcomes: list[str] = []

    def tap(key: str) -> None:
        try:
            town.move(case.pk, "accept", town.town, key=key, expected_sequence=case.sequence)
            outcomes.append("moved")
        except engine.StaleCase:
            outcomes.append("stale")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tap, args=(f"tap {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved"] + ["stale"] * 7
    assert town.case(case.pk).sequence == case.sequence + 1
