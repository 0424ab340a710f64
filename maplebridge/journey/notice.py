"""What the reporter is told when something public happens to the case."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Payload
from maplebridge.connectors.messages import Message, send


def carry_out(news: News) -> None:
    """The feed's reader: one message for each public move, to a reporter who left a number."""
    case = Case.objects.filter(pk=news.case_id).first()
    if case is None:
        return
    move = case.pinned_kind.move(news.move)
    if news.sequence > 1 and (move is None or not move.public):
        return
    reporter = Payload.objects.filter(case_id=news.case_id, sequence=1, part="reporter").first()
    phone = str((reporter.content or {}).get("phone", "")) if reporter else ""
    if not phone:
        return
    with translation.override(settings.LANGUAGE_CODE):
        state = case.pinned_kind.state(news.to_state)
        text = _("Your report %(number)s: %(state)s. %(next)s Query code: %(code)s") % {
            "number": case.number,
            "state": state.label,
            "next": state.next,
            "code": case.query_code,
        }
    send(Message(f"{news.case_id}-{news.sequence}", phone, text))
