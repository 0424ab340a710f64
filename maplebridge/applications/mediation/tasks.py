"""Work done from the feed: the parties who did not ask themselves are told by a short message.

Whoever asked hears of each public move already, as every reporter does (`journey.notice`).
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.applications.mediation import files
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case
from maplebridge.cases.reporters import Destroyed
from maplebridge.connectors import messages

# After these the others have something to read, to answer or to do.
TOLD_OF = frozenset(
    {
        "choose_mediator",
        "begin",
        "propose",
        "draft_agreement",
        "cool_off",
        "agree",
        "remind",
        "stop",
        "close",
    }
)
FORGETS = frozenset({"erase_reporter", "destroy"})
EDITION = "mediation-1"


def carry_out(news: News) -> None:
    """Writes a message to each other party that left a telephone; again, the same message.

    A reminder goes to the party it is for. The message names nobody and says nothing of the
    dispute. Raises reporters.KeyGone while the keys are away; the feed tries again.
    """
    if news.move in FORGETS:
        messages.forget(_name(news.case_id, ""))
        return
    if news.kind != files.KIND or news.move not in TOLD_OF:
        return
    case = Case.objects.filter(pk=news.case_id).first()
    if case is None:
        return
    try:
        file = files.read(case, opened=True)
    except Destroyed:
        return
    event = next((one for one in file.events if one.sequence == news.sequence), None)
    only = int(event.facts.get("party", 0)) if event and news.move == "remind" else 0
    for number, party in file.parties.items():
        if number == 1 or not party.phone or (only and number != only):
            continue
        with translation.override(settings.LANGUAGE_CODE):
            text = _("Your mediation %(number)s: %(state)s. Please open your own page.") % {
                "number": case.number,
                "state": case.pinned_kind.state(news.to_state).label,
            }
        name = _name(case.pk, f"{number}-{news.sequence}")
        messages.send(messages.Message(name, party.phone, text, EDITION))


def _name(case_id: UUID, more: str) -> str:
    return f"m{case_id.hex}-{more}"
