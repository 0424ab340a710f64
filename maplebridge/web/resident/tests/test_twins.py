"""Two people told of the same matter: each follows the work, neither reads the other."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def merged(town, **facts):
    """The first person's case with private words on it, and the second's, merged into it."""
    first, second = town.opened(), town.opened()
    question = {"question": "请问您住哪一栋？"}
    town.move(first.pk, "ask_more", town.town, question)
    town.move(first.pk, "supply", town.resident(first.pk), {"answer": "我住三栋，门牌一零二"})
    town.move(first.pk, "accept", town.town)
    town.move(second.pk, "accept", town.town)
    town.move(second.pk, "merge", town.town, {"into": str(first.pk)})
    return first, second


def test_the_reporter_of_a_twin_reads_nothing_that_the_other_said_or_was_asked(client, town):
    first, second = merged(town)
    page = client.get(f"/r/{second.query_code}/").content.decode()
    assert "三栋" not in page
    assert "哪一栋" not in page
    assert "另一位反映人" in page
    own = client.get(f"/r/{first.query_code}/").content.decode()
    assert "三栋" in own
    assert "另一位反映人" not in own


def test_the_reporter_of_a_twin_reads_what_the_units_did(client, town):
    first, second = merged(town)
    town.walk_from(first.pk, "accepted", "closed")
    page = client.get(f"/r/{second.query_code}/").content.decode()
    assert "已疏通管道" in page
    assert "已疏通，请您查看" in page


def test_a_matter_that_became_confidential_tells_the_twin_nothing(client, town):
    first, second = merged(town)
    town.move(
        first.pk,
        "overrule",
        town.town,
        {"step": "classify", "category": "0407", "line": "POL", "confidentiality": "C2"},
    )
    town.walk_from(first.pk, "accepted", "feedback")
    page = client.get(f"/r/{second.query_code}/").content.decode()
    assert "已疏通" not in page
    assert "另一位反映人" not in page
