"""A telephone of the demonstration: what was sent to made-up numbers, the newest first."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from maplebridge.connectors import messages
from maplebridge.connectors.messages import Kept
from maplebridge.lib import clock
from maplebridge.web.parts.words import when

MOST_SHOWN = 30


@never_cache
@require_safe
def phone(request: HttpRequest) -> HttpResponse:
    """The telephone; in the demonstration alone."""
    if not settings.DEMONSTRATION:
        raise Http404
    shown = {
        "messages_sent": [_shown(each) for each in messages.kept(MOST_SHOWN)],
        "clock": clock.now().astimezone(clock.CHINA).strftime("%H:%M"),
        "most": MOST_SHOWN,
    }
    return render(request, "parts/phone.html", shown)


def _shown(kept: Kept) -> dict[str, str]:
    return {
        "to": _in_groups(kept.to),
        "text": kept.text,
        "code": kept.facts.get("code", ""),
        "number": kept.facts.get("number", "") or _("this report"),
        "at": when(dt.datetime.fromtimestamp(kept.at, dt.UTC)),
    }


def _in_groups(number: str) -> str:
    """A mobile number as people read it: 139 0000 0000."""
    plain = "".join(number.split())
    return f"{plain[:3]} {plain[3:7]} {plain[7:]}" if len(plain) == 11 else plain
