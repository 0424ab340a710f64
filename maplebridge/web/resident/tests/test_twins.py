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
    own = client.get(f"/r/{first.query_code}/").content.decode()
    assert "办理单位" in _steps(own)
    assert "办理单位" not in _steps(page)


def test_the_reporter_of_a_twin_reads_no_rating_appeal_or_comment_of_the_other(client, town):
    first, second = merged(town)
    town.walk_from(first.pk, "accepted", "closed")
    said = {"rating": "1", "solved": False, "comment": "我家地下室还在渗水"}
    town.move(first.pk, "rate", town.resident(first.pk), said)
    again = {"reason": "物业只堵了我家门口"}
    town.move(first.pk, "reopen", town.resident(first.pk), again)
    page = client.get(f"/r/{second.query_code}/").content.decode()
    own = client.get(f"/r/{first.query_code}/").content.decode()
    solved = "问题解决了吗"
    for private in ("渗水", "我家门口", solved):
        assert private in _steps(own), private
        assert private not in _steps(page), private


def test_each_reporter_is_you_on_their_own_page_alone(client, town):
    first, second = merged(town)
    for own, told in ((first, "我住三栋"), (second, "")):
        steps = _steps(client.get(f"/r/{own.query_code}/").content.decode())
        assert told in steps
        # Of the second page's steps only its own report is theirs.
        assert steps.count('<p class="small soft">您</p>') == (2 if own == first else 1)
        assert steps.count("另一位反映人") == (0 if own == first else 2)


def test_a_matter_that_became_confidential_tells_the_twin_its_state_alone(client, town):
    first, second = merged(town)
    before = client.get(f"/r/{second.query_code}/").content.decode()
    assert first.number in before
    assert "最迟时间" in before
    town.move(
        first.pk,
        "overrule",
        town.town,
        {"step": "classify", "category": "0407", "line": "POL", "confidentiality": "C2"},
    )
    town.walk_from(first.pk, "accepted", "handling")
    page = client.get(f"/r/{second.query_code}/").content.decode()
    assert str(town.case(first.pk).now.next) in page
    for private in (first.number, "住房和城乡建设局", "最迟时间", "还剩", "另一位反映人"):
        assert private not in page, private
    assert "住房和城乡建设局" in client.get(f"/r/{first.query_code}/").content.decode()


def _steps(page):
    """The timeline of a receipt."""
    return page[page.index("steps-title") : page.index("mine-title")]
