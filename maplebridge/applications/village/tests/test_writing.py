"""What a village publishes is published once, however often its form is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from maplebridge.applications.village import writing
from maplebridge.applications.village.models import Notice, Topic, Writing
from maplebridge.applications.village.writing import SORTS


def test_the_same_form_sent_eight_times_at_once_publishes_once(committed_town):
    said = {
        "topic": Topic.values[0], "title": "停水通知", "text": "明日上午八点至十点检修水管。",
        "on": "2026-11-23",
    }  # fmt: skip
    values = writing.read(SORTS["notice"], said)

    def send(_n):
        try:
            made = writing.make(
                SORTS["notice"], committed_town.village_code, values, committed_town.village, "k"
            )
            return made.pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        published = set(pool.map(send, range(8)))
    assert published == {Notice.objects.get().pk}
    assert Writing.objects.count() == 1
