"""A voice note is heard by whoever may see the photos of a report, and by its own code alone."""

from __future__ import annotations

import pytest
from django.test import Client

from maplebridge.cases import wall
from maplebridge.cases.models import Attachment, Case
from maplebridge.organisation.people import SYSTEM
from tests.gate.test_every_way_out import full, one_of_each, unseen
from tests.gate.world import World

VOICE = 9


@pytest.fixture
def heard(world: World) -> set[int]:
    """The reports whose photo has a voice note beside it now; its bytes are those of the photo."""
    with wall.standing(SYSTEM):
        photos = Attachment.objects.filter(case_id__in=world.ids, number=1, sequence=1)
        beside = [
            Attachment(
                case_id=photo.case_id, number=VOICE, area_code=photo.area_code, sequence=1,
                sha256=photo.sha256, media_type="audio/webm", size=photo.size,
            )
            for photo in photos
        ]  # fmt: skip
        Attachment.objects.bulk_create(beside)
    return {world.ids.index(each.case_id) for each in beside}


def test_a_voice_note_is_heard_at_desks_as_photos_are_seen(world: World, heard: set[int]) -> None:
    tried = set()
    for who, n, post in one_of_each(world):
        client, seen = who.client(n), world.visible(post)
        for m in sorted(seen & heard)[:3]:
            may = m in full(world, post, {m}) or world.row(m)["confidentiality"] == "C0"
            key = world.ids[m]
            part = client.get(f"/desk/case/{key}/photo/{VOICE}/", headers={"Range": "bytes=0-"})
            assert part.status_code == (206 if may else 404), (post, m)
            page = client.get(f"/desk/case/{key}/").content.decode()
            assert ("<audio" in page) is may, (post, m)
            tried.add(may)
        for m in [m for m in unseen(world, post, 20) if m in heard]:
            answer = client.get(f"/desk/case/{world.ids[m]}/photo/{VOICE}/")
            assert answer.status_code in {302, 403, 404}, (post, m)
    assert tried == {True, False}


def test_a_code_plays_the_own_voice_note_alone(world: World, heard: set[int]) -> None:
    visitor = Client()
    m = min(heard)
    with wall.standing(SYSTEM):
        own = Case.objects.get(pk=world.ids[m])
        other = Case.objects.exclude(pk__in=[world.ids[k] for k in heard]).first()
    assert other is not None
    assert visitor.get(f"/r/{own.query_code}/photo/{VOICE}/").status_code == 200
    assert visitor.get(f"/r/{other.query_code}/photo/{VOICE}/").status_code == 404
    assert "<audio" not in visitor.get(f"/r/{other.query_code}/").content.decode()
