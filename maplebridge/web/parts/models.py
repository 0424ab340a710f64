"""What the doors keep of their own: sessions, spent budgets, drafts, and who is at a case now."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """An open session; its key is what the browser's cookie says.

    account_id: null until somebody signs in with it. began_at: when that was. seen_at: the last
    request, to the minute. device: what the browser says it is, in a word or two; no address.
    """

    account_id = models.UUIDField(null=True, default=None)
    began_at = models.DateTimeField(null=True, default=None)
    seen_at = models.DateTimeField(null=True, default=None)
    device = models.CharField(max_length=60, default="", blank=True)

    class Meta(AbstractBaseSession.Meta):
        indexes: ClassVar = [
            models.Index(
                fields=["account_id"],
                name="session_account",
                condition=models.Q(account_id__isnull=False),
            ),
        ]

    @classmethod
    def get_session_store_class(cls) -> type:
        """The store that reads and writes these rows."""
        from maplebridge.web.parts.sessions import SessionStore

        return SessionStore


class Spent(models.Model):
    """How far ahead of the clock the tries of somebody are; a row in the past says nothing.

    key: the budget's name and a keyed hash of who spends; neither address nor name can be read
    from it. until: each try moves it on by the time in which one try grows back.
    """

    key = models.CharField(max_length=80, primary_key=True, db_collation="C")
    until = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until"], name="spent_until")]

    def __str__(self) -> str:
        return self.key


class Draft(models.Model):
    """What somebody typed into the form of a move and has not sent yet.

    post: the post it was typed under. said: field name to what was typed, a list each; no photos.
    sequence: of the case when the form was drawn. Behind the wall with its case.
    """

    pk = models.CompositePrimaryKey("case_id", "account_id", "post", "move")
    case_id = models.UUIDField()
    account_id = models.UUIDField()
    post = models.CharField(max_length=80)
    move = models.CharField(max_length=40)
    said = models.JSONField()
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="draft_at")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.move}"


class OpenPage(models.Model):
    """Who has the page of a case open now, so that two do not write at once unawares.

    move: whose form is open, or empty. seen_at: the last sign of the page; a row without one for a
    minute says nothing and goes. Nothing is counted from it and nothing kept. Behind the wall.
    """

    pk = models.CompositePrimaryKey("case_id", "account_id")
    case_id = models.UUIDField()
    account_id = models.UUIDField()
    unit_code = models.CharField(max_length=40)
    move = models.CharField(max_length=40, default="", blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["seen_at"], name="open_page_seen")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.unit_code}"
