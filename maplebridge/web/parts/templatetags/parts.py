"""Tags and filters that draw the small parts: icon, label, clock, time."""

from __future__ import annotations

import datetime as dt
import json

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from maplebridge.cases.models import Case
from maplebridge.lib import clock
from maplebridge.web.parts import words

register = template.Library()


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """An icon of the sprite; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        size,
        static("parts/icons.svg"),
        name,
    )


@register.simple_tag
def pill(sign: words.Sign) -> SafeString:
    """A status label."""
    return format_html(
        '<span class="pill tone-{}">{}{}</span>', sign.tone, icon(sign.icon), sign.words
    )


@register.simple_tag
def state_pill(case: Case) -> SafeString:
    """The state of a case."""
    return pill(words.state_sign(case))


@register.simple_tag
def clock_chip(case: Case) -> SafeString | str:
    """How long is left, or how long it is overdue; nothing when no clock runs."""
    sign = words.clock_sign(case, clock.now())
    return _chip(sign) if sign else ""


@register.simple_tag
def due_chip(due_at: dt.datetime) -> SafeString | str:
    """The same for a clock at hand."""
    return _chip(words.due_sign(due_at, clock.now()))


def _chip(sign: words.Sign) -> SafeString | str:
    if sign.at is None:
        return ""
    return format_html(
        '<time class="chip tone-{}" datetime="{}" title="{}">{}{}</time>',
        sign.tone,
        sign.at.isoformat(),
        words.when(sign.at),
        icon(sign.icon),
        sign.words,
    )


@register.filter
def when(at: dt.datetime | None) -> SafeString | str:
    """An instant in people's words, with the exact time for machines."""
    if at is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), words.when(at))


@register.filter
def unit_name(code: str) -> str:
    """The unit's name in the reader's language."""
    return words.unit_name(code) if code else ""


@register.filter
def named(label: str) -> str:
    """A label before its value; a question's mark gives way to the colon."""
    return label.rstrip("？?") + ("：" if words.reads_chinese() else ": ")


@register.filter
def confidence(share: float) -> str:
    """How sure, in words."""
    return words.confidence(share)


@register.filter
def percent(share: float) -> str:
    """A share from 0 to 1 as whole percent."""
    return f"{round(share * 100)}%"


@register.simple_tag
def map_words() -> str:
    """What the map's own buttons say, as JSON."""
    return json.dumps(
        {
            "Map.Title": _("Map"),
            "NavigationControl.ZoomIn": _("Zoom in"),
            "NavigationControl.ZoomOut": _("Zoom out"),
            "Marker.Title": _("Pin"),
            "Popup.Close": _("Close"),
            "CooperativeGesturesHandler.WindowsHelpText": _("Hold Ctrl and scroll to zoom"),
            "CooperativeGesturesHandler.MacHelpText": _("Hold ⌘ and scroll to zoom"),
            "CooperativeGesturesHandler.MobileHelpText": _("Use two fingers to move the map"),
        },
        ensure_ascii=False,
    )
