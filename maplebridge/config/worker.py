"""What is carried out from the feed, reader by reader, what rings by the clock, and the loops."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from maplebridge.cases import feed, timers
from maplebridge.cases.feed import News
from maplebridge.config import applications
from maplebridge.connectors import messages
from maplebridge.insight import counts
from maplebridge.journey import advance, alarms, labels, notice, proposals, push, retention, work
from maplebridge.web.parts import together

log = logging.getLogger("maplebridge.worker")


def _within(news: News) -> None:
    """What happens inside the platform after a move."""
    advance.carry_out(news)
    work.carry_out(news)
    alarms.carry_out(news)
    for task in applications.tasks():
        task.carry_out(news)
    feed.notify(news)


# Every consequence of a move, by the name of the reader that carries it out. What depends on
# machines we do not own has a reader of its own, so that it holds up nothing else.
ONE_BY_ONE: dict[str, Callable[[News], None]] = {"within": _within, "notices": notice.carry_out}
# Readers that take many rows at once, each in a thread of its own, so that no backlog of the
# others holds them up: figures follow a move within a second.
TOGETHER: dict[str, Callable[[Sequence[News]], None]] = {counts.READER: counts.carry_out}
READERS = (*ONE_BY_ONE, *TOGETHER)
# What goes by the clock, each in a thread of its own: neither a backlog of the feed nor a provider
# of messages that hangs makes a rung late. All may run in several workers at once.
BY_THE_CLOCK: dict[str, Callable[[], int]] = {
    "timers": timers.ring,
    "alarms": alarms.tell,
    "calendar": work.recount_exceptions,
    "retention": retention.carry_out,
    "messages": messages.deliver,
    "pushes": push.deliver,
    "drafts": together.sweep,
    "applications": applications.rung_by_the_clock,
}
PAUSE_SECONDS = 0.1
CLOCK_PAUSE_SECONDS = 0.25
LEARN_EVERY_SECONDS = 3600.0
PAUSE_AFTER_FAILURE_SECONDS = 1.0


def carry_out_all(holder: str, most_rounds: int = 1000) -> int:
    """Carries out whatever the feed holds now, for every reader; returns how many rows."""
    done = 0
    for _round in range(most_rounds):
        found = sum(feed.carry_out(name, holder, act) for name, act in ONE_BY_ONE.items())
        found += sum(_together(name, holder) for name in TOGETHER)
        done += found
        if not found:
            break
    return done


def run(holder: str, should_stop: Callable[[], bool]) -> None:
    """Carries out consequences until told to stop; a closed database is waited for."""
    clocks = [
        threading.Thread(target=_by_the_clock, args=(name, act, should_stop), name=name)
        for name, act in (
            *BY_THE_CLOCK.items(),
            *((name, partial(_together, name, holder)) for name in TOGETHER),
        )
    ]
    for clock in clocks:
        clock.start()
    try:
        _read_the_feed(holder, should_stop)
    finally:
        for clock in clocks:
            clock.join()


def _read_the_feed(holder: str, should_stop: Callable[[], bool]) -> None:
    enrolled = False
    learned_at = time.monotonic()
    while not should_stop():
        try:
            if not enrolled:
                for reader in READERS:
                    feed.enrol(reader)
                work.recount_provisional()
                timers.arm_missing()
                enrolled = True
            found = 0
            for reader, act in ONE_BY_ONE.items():
                found += _one_reader(reader, holder, act)
            if not found:
                time.sleep(PAUSE_SECONDS)
            if time.monotonic() - learned_at > LEARN_EVERY_SECONDS:
                labels.learn_labels()
                proposals.learn_handlers()
                learned_at = time.monotonic()
        except (OperationalError, InterfaceError) as failure:
            log.warning("the database does not answer: %s", failure)
            close_old_connections()
            time.sleep(PAUSE_AFTER_FAILURE_SECONDS)


def _one_reader(reader: str, holder: str, act: Callable[[News], None]) -> int:
    """One reader's turn; a row that cannot be carried out is said and tried again later."""
    try:
        return feed.carry_out(reader, holder, act)
    except Exception as failure:
        if feed.is_away(failure):
            raise
        log.exception("the reader %s could not carry out a row; it will be tried again", reader)
        time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
        return 0


def _together(reader: str, holder: str) -> int:
    return feed.carry_out_together(reader, holder, TOGETHER[reader])


def _by_the_clock(name: str, act: Callable[[], int], should_stop: Callable[[], bool]) -> None:
    """Acts a few times a second until told to stop, whatever fails."""
    while not should_stop():
        pause = CLOCK_PAUSE_SECONDS
        try:
            if act():
                continue
        except (OperationalError, InterfaceError) as failure:
            log.warning("the database does not answer the %s: %s", name, failure)
            close_old_connections()
            pause = PAUSE_AFTER_FAILURE_SECONDS
        except Exception:
            log.exception("the %s could not go on; they will be tried again", name)
            pause = PAUSE_AFTER_FAILURE_SECONDS
        time.sleep(pause)
    connections.close_all()
