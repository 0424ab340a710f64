"""Our own `csrf_token`: a form drawn at a desk also says under which post it was drawn.

It stands among the built-in tags, so that no form can forget it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from maplebridge.web.parts.doorstep import drawn_under
from maplebridge.web.parts.kept_forms import UNDER

if TYPE_CHECKING:
    from django.template.base import Parser, Token
    from django.template.context import Context

register = template.Library()


class FormTokenNode(CsrfTokenNode):
    """Django's token, and the post behind it."""

    def render(self, context: Context) -> Any:
        """Asks the database nothing: the desk has noted the post in the request."""
        token = super().render(context)
        request = context.get("request")
        under = drawn_under(request) if request is not None else ""
        if not under:
            return token
        return format_html('{}<input type="hidden" name="{}" value="{}">', token, UNDER, under)


@register.tag
def csrf_token(parser: Parser, token: Token) -> FormTokenNode:
    """The token of a form."""
    return FormTokenNode()
