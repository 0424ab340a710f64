"""Tags and filters that draw the small parts: icon, label, clock, time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from maplebridge.cases.models import Case
from maplebridge.connectors.maps import base_map
from maplebridge.lib import clock
from maplebridge.web.parts import beside, words

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
def line_name(code: str) -> str:
    """A line (条线) in the reader's language."""
    return words.line_name(code)


@register.filter
def percent(share: float) -> str:
    """A share from 0 to 1 as whole percent."""
    return f"{round(share * 100)}%"


@register.simple_tag(takes_context=True)
def desk_pages(context: Context) -> list[beside.DeskPage]:
    """The pages of applications that stand beside the desk's own for this post."""
    actor = context.get("desk_actor")
    return beside.pages_for(actor) if actor else []


@register.simple_tag
def first_pages() -> list[beside.FirstPage]:
    """The ways of applications on the first page."""
    return beside.first_pages()


@register.simple_tag
def receipt_page(kind: str) -> beside.ReceiptPage | None:
    """The page of an application that the receipts of a kind lead to."""
    return beside.receipt_page(kind)


@register.filter
def has_here(pages: Iterable[beside.DeskPage], here: str) -> bool:
    """Whether one of these pages is the one that is shown."""
    return any(page.here == here for page in pages)


@register.simple_tag
def map_base() -> str:
    """The city's base map for the map's script, as JSON; empty without one."""
    base = base_map()
    if base is None:
        return ""
    said = {
        "tiles": base.tiles,
        "address": base.address or reverse("base-map"),
        "datum": base.datum,
        "words": base.words,
        "most_zoom": base.most_zoom,
    }
    return json.dumps(said, ensure_ascii=False)


@register.simple_tag
def map_words() -> str:
    """What the map's own buttons say, as JSON."""
    return json.dumps(
        {
            "Map.Title": _("Map"),
            "AttributionControl.ToggleAttribution": _("Whose map it is"),
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
