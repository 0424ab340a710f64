"""What the reporter is told when something public happens to the case, in the city's own words."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.cases import leases
from maplebridge.cases.feed import News
from maplebridge.cases.kinds import registry
from maplebridge.cases.models import Case
from maplebridge.cases.reporters import Destroyed, reporter_of_case
from maplebridge.connectors import messages
from maplebridge.connectors.messages import Message, send
from maplebridge.journey import push
from maplebridge.lib.tables import Problem, Row
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, Said
from maplebridge.organisation.people import SYSTEM

SEED = Path(__file__).parent / "seed" / "messages.csv"
BLANKS = frozenset({"number", "state", "next", "code"})
# Without these a message says nothing of whose it is, and where to look.
NEEDED = frozenset({"number", "code"})


class Texts:
    """The texts by move and language; a move without one of its own takes the general one."""

    def __init__(self, texts: Mapping[tuple[str, str], str], edition: int) -> None:
        self._texts = texts
        self.version = f"messages-{edition}"

    def write(self, move: str, language: str, said: Mapping[str, str]) -> str:
        """The message for a move, with its blanks filled in."""
        text = self._texts.get((move, language)) or self._texts[("", language)]
        return text.format_map(said)


def _build(number: int, rows: Sequence[Cells]) -> Texts:
    found = rows or editions.read_file(TEXTS, SEED).rows
    return Texts({(cells["move"], cells["language"]): cells["text"] for cells in found}, number)


def _check(cells: Cells) -> Iterable[Said]:
    languages = dict(settings.LANGUAGES)
    if cells["language"] not in languages:
        yield editions.wrong_choice("language", cells["language"], languages)
    moves = {"", *(move.name for kind in registry.all() for move in kind.moves)}
    moves |= {kind.opening for kind in registry.all()}
    if cells["move"] not in moves:
        yield (
            _("There is no move “%(name)s”.") % {"name": cells["move"]},
            _("Write a move's name, or nothing for every public move."),
        )
    try:
        parts = list(string.Formatter().parse(cells["text"]))
    except ValueError:
        parts = [("", "?", "", None)]
    blanks = {name for _text, name, _form, _turn in parts if name is not None}
    plain = all(not form and not turn for _text, _name, form, turn in parts)
    if not plain or not blanks <= BLANKS or not blanks >= NEEDED:
        yield (
            _("The text's blanks cannot be filled."),
            _("Use {number} and {code}, and if you like {state} and {next}."),
        )


def _whole(rows: Sequence[Row]) -> Iterable[Problem]:
    present = {row.cells["language"] for row in rows if not row.cells["move"]}
    for language, _name in settings.LANGUAGES:
        if language not in present:
            yield Problem(
                0,
                language,
                _("There is no general text in this language."),
                _("Add a row with an empty move."),
            )


TEXTS = editions.Table(
    name="messages",
    label=_l("Message texts"),
    columns=("move", "language", "text"),
    key=("move", "language"),
    check=_check,
    whole=_whole,
    build=_build,
)


def open_texts() -> None:
    """Publishes the texts the product ships with where a city has none yet."""
    if not TEXTS.number():
        editions.publish(
            TEXTS,
            editions.read_file(TEXTS, SEED).rows,
            begins=editions.ALWAYS,
            note=_("Rows that come with the product."),
            by=SYSTEM,
        )


def carry_out(news: News) -> None:
    """The feed's reader: of each public move a message to a reporter who left a number, and a push
    to the phones that asked for it. Erased, both are forgotten.

    Raises reporters.KeyGone while the keys are away; the feed tries again and then tells of it.
    """
    if news.move in push.ENDINGS:
        push.forget(news.case_id)
        messages.forget(f"{news.case_id}-")
        return
    case = Case.objects.filter(pk=news.case_id).first()
    if case is None or leases.works_alone():
        return
    move = case.pinned_kind.move(news.move)
    if news.sequence > 1 and (move is None or not move.public):
        return
    push.wish(news.case_id, news.sequence)
    try:
        phone = reporter_of_case(news.case_id).phone
    except Destroyed:
        return
    if not phone:
        return
    texts = TEXTS.value()
    with translation.override(settings.LANGUAGE_CODE):
        state = case.pinned_kind.state(news.to_state)
        said = {
            "number": case.number,
            "state": str(state.label),
            "next": str(state.next),
            "code": case.query_code,
        }
    text = texts.write(news.move, settings.LANGUAGE_CODE, said)
    name = f"{news.case_id}-{news.sequence}"
    send(Message(name, phone, text, texts.version, facts=said))
