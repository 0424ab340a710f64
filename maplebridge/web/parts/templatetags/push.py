"""What the template of web push asks for."""

from __future__ import annotations

from django import template

from maplebridge.connectors.push import public_key

register = template.Library()


@register.simple_tag
def push_key() -> str:
    """The key that a browser subscribes with."""
    return public_key()
