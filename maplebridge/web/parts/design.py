"""The live page of the design: every colour, size and part that pages are put together from."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from maplebridge.lib import clock
from maplebridge.web.parts.words import Sign, due_sign

ICONS = Path(__file__).parent / "static" / "parts" / "icons.svg"
# Tone, what it means, and where it is used.
TONES = (
    ("maple", _("The one main act"), _("One button a page; what is being worked on.")),
    ("jade", _("In time, done, solved"), _("Clocks with time left, verified and closed cases.")),
    ("amber", _("Soon, or waiting for somebody"), _("Four hours left; a question is open.")),
    ("crimson", _("Overdue, refused, grave"), _("Never without a sign and a word.")),
    ("water", _("Under way, to know"), _("Accepted, filed, dispatched; plain notices.")),
    ("stone", _("Standing still"), _("Suspended, declined, merged, voided.")),
)
SIZES = ("s", "m", "l", "xl", "xxl", "hero")
SPACES = ("1", "2", "3", "4", "5", "6", "8", "10", "12", "16")


@cache
def icon_names() -> list[str]:
    """The icons of the sprite, in alphabetical order."""
    return sorted(re.findall(r'<symbol id="([a-z-]+)"', ICONS.read_text(encoding="utf-8")))


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every part, on paper or, with `?theme=dark`, as the wall shows it."""
    now = clock.now()
    clocks = [
        due_sign(now + dt.timedelta(days=3, minutes=5), now),
        due_sign(now + dt.timedelta(hours=2, minutes=5), now),
        due_sign(now - dt.timedelta(hours=5, minutes=5), now),
    ]
    shown = {
        "tones": [(name, Sign(str(what), name, "info"), where) for name, what, where in TONES],
        "sizes": SIZES,
        "spaces": SPACES,
        "icons": icon_names(),
        "clocks": clocks,
        "now": now,
        "theme": "dark" if request.GET.get("theme") == "dark" else "",
    }
    return render(request, "parts/design.html", shown)
