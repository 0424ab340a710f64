"""What the pages for everybody draw: a QR code of an address."""

from __future__ import annotations

import segno
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def qr(address: str) -> SafeString:
    """An address as a QR code: an SVG without a style, with words for who does not see it."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        omitsize=True, border=2, svgclass="qr-code", lineclass=None
    )
    # Made by segno out of modules alone; nothing of the address stands in it as text.
    inside = mark_safe(drawn)  # noqa: S308
    return format_html('<span role="img" aria-label="{}">{}</span>', _("QR code"), inside)
