"""One reader of the feed for all open pages of a process: each batch is read once, told to many.

A notice of the database only wakes it; what is told is read from the feed, so a lost notice
costs a second and a lost connection costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.utils import translation

from maplebridge.cases import wall
from maplebridge.cases.feed import CHANNEL, News
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.live.viewers import (
    NOBODYS,
    Known,
    Ticket,
    Told,
    Viewer,
    batch_after,
    let_in,
    missed,
    out_of_sight,
)
from maplebridge.web.parts.painted import Wanted, painters, wanted
from maplebridge.web.parts.position import Position, here, of

log = logging.getLogger("maplebridge.live")

P = ParamSpec("P")
Result = TypeVar("Result")

# Without a notice the feed is looked at this often.
LOOK_SECONDS = 1.0
# A part that many look at is drawn at most this often, however much happens.
PAINT_SECONDS = 0.5
# Moves that come close together are read and told together.
GATHER_SECONDS = 0.05
HEARTBEAT_SECONDS = 15.0
# A session that was ended elsewhere is gone from open pages within this time.
RECHECK_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
# A reader this many parts behind is cut off; it comes back and reads what it missed.
MOST_WAITING = 1000
MOST_VIEWERS = 2000
MOST_OF_ONE = 40
AWAY = b"event: away\ndata: 1\n\n"
RELOAD = b"event: reload\ndata: 1\n\n"
ENTRY_THREADS = 2
AT_ONCE = 50
# Of Django's parameters of a connection, those that are for Django only.
NOT_FOR_LISTENING = ("cursor_factory", "context", "prepare_threshold")


def painting(html: str, place: Position) -> bytes:
    """A drawn part, and which news are in it for sure."""
    said = json.dumps({"at": str(place), "html": html}, ensure_ascii=False, separators=(",", ":"))
    return f"event: paint\ndata: {said}\n\n".encode()


class Full(Exception):
    """No more viewers can be let in."""


def part(news: News, message: dict[str, Any]) -> bytes:
    """One event as the stream says it; its id is the position to come back with."""
    return f"id: {of(news)}\ndata: {json.dumps(message, separators=(',', ':'))}\n\n".encode()


def standing(place: Position) -> bytes:
    """Says that the stream lives and how far it is, also to whom nothing was told."""
    return f"event: here\nid: {place}\ndata: 1\n\n".encode()


def gone(case_id: UUID) -> bytes:
    """Says that a case the page shows has gone out of its sight."""
    return f'event: gone\ndata: {{"case":"{case_id}"}}\n\n'.encode()


class Reader:
    """One open page: the viewer, how far it had read, and what waits to be sent to it."""

    def __init__(self, shown: Ticket, viewer: Viewer) -> None:
        self.ticket = shown
        self.viewer = viewer
        self.start = shown.after
        # Where the hub stood when it was let in: what comes later is told, what came before is not.
        self.joined = Position(0)
        self.known = Known()
        self.wanted = (
            wanted(viewer.actor, shown.draws, dict(shown.asked), shown.language)
            if shown.draws
            else None
        )
        self.waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self.ended = False

    def put(self, said: bytes) -> None:
        if self.ended:
            return
        try:
            self.waiting.put_nowait(said)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Ends the stream; all that waits is dropped, and read again when the page comes back."""
        self.ended = True
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(None)

    def finish(self) -> None:
        """Ends the stream after what waits, so that the page comes back and is looked at anew."""
        if self.ended or self.waiting.full():
            self.end()
        else:
            self.ended = True
            self.waiting.put_nowait(None)


class Hub:
    """The readers of one process and what keeps them up to date; lives on one event loop."""

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self.place: Position | None = None
        self.is_away = False
        self.is_closed = False
        self._arriving = 0
        self._woken: asyncio.Event | None = None
        self._to_paint: dict[Wanted, Actor] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._following = ThreadPoolExecutor(1, thread_name_prefix="live-feed")
        self._entering = ThreadPoolExecutor(ENTRY_THREADS, thread_name_prefix="live-entry")

    def start(self) -> None:
        """Begins to listen and to follow; again changes nothing."""
        if self._tasks:
            return
        self._woken = asyncio.Event()
        work: list[Coroutine[Any, Any, None]] = [
            self._listen(),
            self._follow(),
            self._each(HEARTBEAT_SECONDS, self.beat),
            self._each(PAINT_SECONDS, self.paint),
            self._each(RECHECK_SECONDS, self.recheck),
        ]
        self._tasks = [asyncio.get_running_loop().create_task(one) for one in work]

    def end(self) -> None:
        """Ends every stream and lets no page in any more."""
        self.is_closed = True
        for reader in self.readers:
            reader.end()

    async def stop(self) -> None:
        """Ends every stream and all of its own work."""
        self.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._following.submit(connection.close)
        self._following.shutdown(wait=False)
        self._entering.shutdown(wait=False)

    # -- coming and going ---------------------------------------------------------------------

    async def enter(self, shown: Ticket) -> Reader | None:
        """Lets a page in and readies what it missed; None for a stranger. Raises Full."""
        viewer = await self._in_entry(let_in, shown)
        if viewer is None:
            return None
        same = (shown.session_key, shown.code)
        of_one = sum((r.ticket.session_key, r.ticket.code) == same for r in self.readers)
        if self.is_closed or len(self.readers) >= MOST_VIEWERS or of_one >= MOST_OF_ONE:
            raise Full
        self._arriving += 1
        try:
            if self.place is None:
                now = await self._in_entry(here)
                self.place = self.place or now
        finally:
            self._arriving -= 1
        # Nobody else runs between these lines: what is told from now on comes after `joined`.
        reader = Reader(shown, viewer)
        reader.joined = self.place
        self.readers.add(reader)
        if reader.wanted is not None:
            # What happened between the drawing of the page and now.
            self._to_paint.setdefault(reader.wanted, viewer.actor)
        return reader

    async def catch_up(self, reader: Reader) -> list[bytes]:
        """What a page missed between its position and the moment it was let in."""
        end = reader.joined
        start = reader.start or end
        said = [b"retry: 2000\n\n"]
        if start > end and start > await self._in_entry(here):
            # The page knows more than the database: that was put back to an earlier day.
            return [RELOAD]
        lost = await self._in_entry(out_of_sight, reader.viewer, reader.ticket.rows)
        said += [gone(case_id) for case_id in lost]
        reader.known.add(reader.ticket.rows - set(lost))
        if start < end:
            found = await self._in_entry(missed, reader.viewer, start, end)
            if found is None:
                return [RELOAD]
            for news, case in found[0]:
                said.append(part(news, reader.viewer.message(news, case)))
                reader.known.add([case.pk])
        return [*said, standing(max(start, end))]

    def leave(self, reader: Reader) -> None:
        """A page went away."""
        reader.ended = True
        self.readers.discard(reader)

    # -- telling ------------------------------------------------------------------------------

    def tell(self, batch: list[Told], reached: Position) -> None:
        """Gives a batch to every reader that may see it. No statement, and nobody is waited for."""
        for news, case, shares in batch:
            at = of(news)
            written = b""
            decided: dict[tuple[object, ...], bool] = {}
            for reader in self.readers:
                if reader.start is not None and at <= reader.start:
                    continue
                viewer = reader.viewer
                actor = viewer.actor
                if actor.role == Role.RESIDENT:
                    if viewer.sees(case, shares):
                        reader.put(part(news, viewer.message(news, case)))
                        if case.pk == actor.reporter_of and viewer.follows != {
                            case.pk,
                            case.merged_into or case.pk,
                        }:
                            reader.finish()
                    continue
                # All that the gate asks of an actor without a grant: also whom a matter is about.
                post = (actor.role, actor.unit_code, actor.area_code, actor.line, actor.held_units)
                if post not in decided:
                    decided[post] = viewer.sees(case, shares)
                if decided[post]:
                    written = written or part(news, viewer.message(news, case))
                    reader.put(written)
                    reader.known.add([case.pk])
                elif reader.known.lose(case.pk):
                    reader.put(gone(case.pk))
        self.place = reached
        for reader in self.readers:
            want = reader.wanted
            if want is not None and any(
                case.area_code.startswith(want.area_code) for _news, case, _shares in batch
            ):
                self._to_paint.setdefault(want, reader.viewer.actor)

    async def paint(self) -> None:
        """Draws each part in which something happened once, and sends it to all who want it."""
        to_paint, self._to_paint = self._to_paint, {}
        for want, actor in to_paint.items():
            place = self.place
            try:
                html = await self._in_entry(_painted, want, actor)
            except Exception as failure:
                # The page asks for it itself when it is looked at again; others go on.
                log.warning("a part could not be drawn: %s", failure)
                continue
            said = painting(html, place or Position(0))
            for reader in self.readers:
                if reader.wanted == want:
                    reader.put(said)

    async def beat(self) -> None:
        """Tells every page that the stream lives; a database that is away is told as that."""
        if self.place is not None and not self.is_away:
            for reader in self.readers:
                reader.put(standing(max(self.place, reader.start or self.place)))
                if reader.wanted is not None:
                    # Clocks run out although nothing happens.
                    self._to_paint.setdefault(reader.wanted, reader.viewer.actor)

    async def recheck(self) -> None:
        """Ends the streams of those whose session, post or case is not what it was."""
        readers = list(self.readers)
        for first in range(0, len(readers), AT_ONCE):
            some = readers[first : first + AT_ONCE]
            try:
                found = await self._in_entry(_let_in_again, [reader.ticket for reader in some])
            except (OperationalError, InterfaceError):
                return
            for reader, again in zip(some, found, strict=True):
                if again != reader.viewer:
                    reader.end()

    # -- the work in the background -----------------------------------------------------------

    async def _listen(self) -> None:
        """Waits for notices of the database; comes back with growing pauses when it is away."""
        assert self._woken is not None  # noqa: S101  start() has set it
        pause = FIRST_PAUSE_SECONDS
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                given = connection.get_connection_params()
                asked = {k: v for k, v in given.items() if k not in NOT_FOR_LISTENING}
                listening = await psycopg.AsyncConnection.connect(**asked, autocommit=True)
                async with listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    pause = FIRST_PAUSE_SECONDS
                    self._woken.set()
                    async for _notice in listening.notifies():
                        self._woken.set()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _follow(self) -> None:
        """Reads the feed when woken, and at least every LOOK_SECONDS while somebody looks."""
        assert self._woken is not None  # noqa: S101  start() has set it
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()
            if not self.readers and not self._arriving:
                self.place = None
                continue
            try:
                if self.place is None:
                    now = await loop.run_in_executor(self._following, _kept, here)
                    self.place = self.place or now
                start: Position = self.place
                batch, reached = await loop.run_in_executor(
                    self._following, _kept, batch_after, start
                )
            except Exception as failure:
                # Whatever it was: the pages wait, and the next look begins where this one did.
                log.warning("the feed could not be read: %s", failure)
                self._say_away(now=True)
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
                continue
            self.tell(batch, reached)
            self._say_away(now=False)
            if reached > start:
                # There may be more.
                self._woken.set()
            await asyncio.sleep(GATHER_SECONDS)

    def _say_away(self, *, now: bool) -> None:
        if now == self.is_away:
            return
        self.is_away = now
        for reader in self.readers:
            reader.put(AWAY if now else standing(self.place or Position(0)))

    async def _each(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await work()

    async def _in_entry(
        self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        """Asks the database from a thread; its connection goes back afterwards."""

        def asked() -> Result:
            try:
                return work(*args, **kwargs)
            finally:
                connection.close()

        return await asyncio.get_running_loop().run_in_executor(self._entering, asked)


def _let_in_again(tickets: Sequence[Ticket]) -> list[Viewer | None]:
    # Who was let in by a code is not sent away because somebody guesses behind the same address.
    return [let_in(replace(shown, tries=NOBODYS)) for shown in tickets]


def _painted(want: Wanted, actor: Actor) -> str:
    with translation.override(want.language), wall.standing(actor):
        return painters[want.name].draw(actor, dict(want.asked))


def _kept(work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    """Asks the database on a connection that stays open until it fails."""
    try:
        return work(*args, **kwargs)
    except Exception:
        connection.close()
        raise
