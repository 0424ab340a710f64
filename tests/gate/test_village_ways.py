"""The pages of a village show what was published, and of letters nothing else to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from maplebridge.applications.village import letters, pages, tasks
from maplebridge.applications.village.models import AnsweredLetter, Notice, Shown, Writing
from maplebridge.cases import wall
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Look
from maplebridge.organisation.models import Account, Post
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db
VILLAGE, NEXT = "330825209201", "330825209200"
SECRET = "五保户老孟家的低保"
PAGES = ("", "notices/", "ledgers/", "covenants/", "activities/", "letters/", "letters/write/")


def letter(town: Any, key: str, *, may_publish: bool = True, answered: bool = True) -> Any:
    with wall.standing(SYSTEM):
        receipt = letters.take_in(
            letters.Letter(
                VILLAGE, "question", f"{SECRET}{key}怎么停了？电话13800001111", key,
                may_publish=may_publish, anonymous=True,
            )
        )  # fmt: skip
        if answered:
            town.move(receipt.case_id, "close", town.village, {"reply": f"{key}已恢复发放。"})
        return town.case(receipt.case_id)


def client_of(username: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=username))
    return client


def neighbour() -> Client:
    """The station of the next village."""
    account = Account.objects.create(username="next-station", display_name="隔壁村")
    unit = f"{NEXT}-station"
    post, _made = Post.objects.get_or_create(
        code=f"{unit}:station", defaults={"unit_id": unit, "role": "station", "title": "站"}
    )
    account.holdings.create(post=post, begins="2026-01-01")
    client = Client()
    client.force_login(account)
    return client


def rows() -> dict[str, int]:
    sorts = [*Shown.__subclasses__(), Writing]
    return {model.__name__: model.objects.count() for model in sorts}


def test_of_a_letter_only_what_was_published_stands_on_any_page(town):
    shown = letter(town, "甲")
    letter(town, "乙")
    letter(town, "丙", may_publish=False)
    said = {"title": "补助为何停了", "text": "补助怎么停了？", "answer": "已恢复。"}
    with wall.standing(town.village):
        paper = letters.publish(shown, said, town.village, "form:publish")
    visitor = Client()
    for page in (*PAGES, f"letter/{paper.pk}/"):
        answer = visitor.get(f"/village/{VILLAGE}/{page}")
        text = answer.content.decode()
        assert answer.status_code == 200, page
        assert SECRET not in text
        assert str(shown.pk) not in text
        assert shown.number not in text
        assert shown.query_code not in text
    assert "补助怎么停了？" in visitor.get(f"/village/{VILLAGE}/letters/").content.decode()
    # A case's own id leads nowhere.
    assert visitor.get(f"/village/{VILLAGE}/letter/{shown.pk}/").status_code == 404
    # Its writer takes the leave back; the worker carries it out, twice if need be.
    with wall.standing(SYSTEM):
        event = town.move(shown.pk, "keep_private", town.resident(shown.pk))
        news = News(
            shown.pk, event.sequence, VILLAGE, "letter", event.move, event.to_state, event.at, "0"
        )
        tasks.carry_out(news)
        tasks.carry_out(news)
    assert Writing.objects.filter(paper_id=paper.pk).count() == 2
    assert visitor.get(f"/village/{VILLAGE}/letter/{paper.pk}/").status_code == 404
    assert AnsweredLetter.objects.get(pk=paper.pk).withdrawn_at is not None


def test_letters_that_may_be_shown_are_told_to_their_writers_desk(town):
    offered = {letter(town, key).pk for key in "甲乙"}
    letter(town, "丙", may_publish=False)
    letter(town, "丁", answered=False)
    taken_back = letter(town, "戊")
    secret = letter(town, "己")
    with wall.standing(SYSTEM):
        town.move(taken_back.pk, "keep_private", town.resident(taken_back.pk))
        Case.objects.filter(pk=secret.pk).update(confidentiality="C2")
    page = f"/village/desk/{VILLAGE}/letters/"
    for username, status in (
        ("village", 200), ("town", 200), ("county", 404), ("city", 404), ("grid", 404),
        ("housing", 404), ("leader", 404), ("auditor", 404), ("administrator", 404),
        ("security", 404),
    ):  # fmt: skip
        answer = client_of(username).get(page)
        text = answer.content.decode()
        assert answer.status_code == status, username
        if status == 200:
            with wall.standing(SYSTEM):
                seen = {str(c.pk) for c in Case.objects.filter(kind="letter") if str(c.pk) in text}
            assert seen == {str(pk) for pk in offered}, username
            assert Look.objects.filter(case_id__in=offered, role=answer_role(username)).count() == 2
        else:
            assert SECRET not in text
    assert neighbour().get(page).status_code == 404
    assert Client().get(page).status_code == 302
    # The first draft hides the number.
    drawn = client_of("village").get(page).content.decode()
    assert drawn.count("138****1111") == 2


def answer_role(username: str) -> str:
    return {"village": "station", "town": "clerk"}[username]


def test_a_stranger_publishes_corrects_and_withdraws_nothing(town):
    station = client_of("village")
    said = {"topic": "news", "title": "路灯修好了", "text": "昨晚已亮。", "on": "2026-11-20",
            "key": "a-form"}  # fmt: skip
    new = f"/village/desk/{VILLAGE}/notice/new/"
    made = station.post(new, said)
    assert made.status_code == 302
    assert station.post(new, said)["Location"] == made["Location"]  # the same form again
    notice = Notice.objects.get(title="路灯修好了")
    assert Writing.objects.get(paper_id=notice.pk).account_id == town.village.account_id
    before = rows()
    kept = letter(town, "甲")
    strangers = {name: client_of(name) for name in ("county", "housing", "grid", "leader",
                                                   "administrator", "auditor")}  # fmt: skip
    strangers |= {"next village": neighbour(), "visitor": Client()}
    own = f"/village/desk/{VILLAGE}/notice/{notice.pk}/"
    for name, client in strangers.items():
        refused = {302, 401} if name == "visitor" else {404}
        for address, more in (
            (new, {"key": f"{name}-1"}),
            (own, {"why": "改一下", "corrections": "0", "key": f"{name}-2"}),
            (own, {"act": "withdraw", "why_withdrawn": "撤", "key": f"{name}-3"}),
            (f"/village/desk/{VILLAGE}/letters/", {"letter": str(kept.pk), "answer": "答",
                                                   "key": f"{name}-4"}),
        ):  # fmt: skip
            answer = client.post(address, {**said, **more})
            assert answer.status_code in {*refused, 401}, (name, address)
            assert client.get(address).status_code in {*refused, 401}, (name, address)
    assert rows() == before
    # The station of one village writes nothing into another by naming its paper there.
    elsewhere = f"/village/desk/{NEXT}/notice/{notice.pk}/"
    assert station.post(elsewhere, {**said, "why": "改"}).status_code == 404
    assert client_of("town").get(elsewhere).status_code == 404
    notice.refresh_from_db()
    assert (notice.title, notice.corrections, notice.withdrawn_at) == ("路灯修好了", 0, None)


def test_no_word_of_a_letter_is_lost_when_it_cannot_be_taken(town, monkeypatch):
    said = {"about": "question", "text": "路灯几点亮？", "key": "kept", "anonymous": "yes"}
    page = f"/village/{VILLAGE}/letters/write/"
    before = Case.objects.count()
    for wrong, status in (
        ({"about": "gossip"}, 422), ({"text": ""}, 422), ({"phone": "12"}, 422),
    ):  # fmt: skip
        answer = Client().post(page, {**said, **wrong})
        text = answer.content.decode()
        assert answer.status_code == status
        assert 'value="kept"' in text
        assert wrong.get("text", said["text"]) in text

    def away(*_args: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(pages.shown, "village", away)
        answer = Client().post(page, said)
        assert (answer.status_code, "路灯几点亮？" in answer.content.decode()) == (503, True)
    assert Case.objects.count() == before
    first = Client().post(page, said)
    assert Client().post(page, said)["Location"] == first["Location"]
    with wall.standing(SYSTEM):
        made = Case.objects.get(kind="letter", area_code=VILLAGE)
    assert first["Location"] == f"/r/{made.query_code}/"
    assert (made.confidentiality, made.unit_code) == ("C1", f"{VILLAGE}-station")
    assert Client().post(page.replace(VILLAGE, "330825209999"), said).status_code == 404
