"""The pages of mediation show each dispute to whom the oracle allows, and what is sealed to few."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from maplebridge.applications.mediation import acts, figures, files, pages
from maplebridge.cases import wall
from maplebridge.cases.models import Case, Look
from maplebridge.config import applications
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import sight_of
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db
ONE, TWO = "甲一某", "乙二某"
SECRET = "他二十年前就占了我家的地"
HOUSE = "社阳村十二号"
EVERYBODY = ("village", "town", "county", "city", "mediator", "leader", "supervisor", "grid",
             "housing", "police", "revisit", "auditor", "administrator", "security")  # fmt: skip


def client_of(username: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=username))
    return client


def dispute(town: Any, category: str = "0102", key: str = "one") -> Case:
    """A dispute in mediation, with a statement in it."""
    with wall.standing(SYSTEM):
        parties = ({"name": ONE, "phone": "13800001111", "household": HOUSE}, {"name": TWO})
        asked = acts.Asking(town.village_code, category, "两户为屋檐滴水争执", parties, key)
        case_id = acts.ask(asked).case_id
        town.move(case_id, "accept", town.village)
        said = {"unit": "330825209-mediation", "category": category, "seriousness": "3"}
        acts.split(case_id, town.village, said, f"{key}-split")
        me = town.mediator
        acts.choose_mediator(case_id, me, str(me.account_id), {}, (), f"{key}-m")
        acts.begin(case_id, me, (1, 2), (1, 2), False, "even", f"{key}-b")
        acts.state(case_id, me, 1, SECRET, f"{key}-s")
        return town.case(case_id)


def text_of(client: Client, address: str) -> tuple[int, str]:
    answer = client.get(address)
    return answer.status_code, answer.content.decode(errors="replace")


def visible(username: str, town: Any, case: Case) -> bool:
    with wall.standing(SYSTEM):
        return Case.objects.visible_to(town.people[username]).filter(pk=case.pk).exists()


@pytest.mark.parametrize("category", ["0102", "0101"])
def test_the_desk_of_mediation_lists_what_the_oracle_says_and_nothing_sealed(town, category):
    case = dispute(town, category)
    # By the domain guide, section 5: a C1 dispute by the desks of its area and its committee; a
    # C2 one by the committee, and by the station that gave it away and keeps sight.
    desks = {"village", "mediator"} if category == "0101" else {
        "village", "town", "county", "city", "mediator", "leader",
    }  # fmt: skip
    for username in EVERYBODY:
        status, text = text_of(client_of(username), "/mediation/desk/")
        listed = str(case.pk) in text
        assert listed == (username in desks), (username, status)
        assert listed <= visible(username, town, case)
        assert all(word not in text for word in (ONE, TWO, SECRET, HOUSE, "13800001111"))
    assert Look.objects.filter(case_id=case.pk, way="list").count() == len(desks)
    assert Client().get("/mediation/desk/").status_code == 302


def test_a_file_is_opened_by_the_unit_that_holds_it_alone(town):
    case = dispute(town)
    page = f"/mediation/desk/{case.pk}/"
    for username in EVERYBODY:
        client = client_of(username)
        status, text = text_of(client, page)
        seen = visible(username, town, case)
        assert status == (200 if seen else 404), username
        mine = username == "mediator"
        assert (SECRET in text) == mine, username
        assert (ONE in text, HOUSE in text) == (mine, mine), username
        status, text = text_of(client, f"{page}papers/record.pdf")
        assert status == (200 if mine else 404), username
        status, text = text_of(client, f"{page}sit/")
        assert status == (200 if mine else 422 if seen else 404), username
        assert mine or ONE not in text
    # A form sent by somebody who sees it, but holds it not, moves nothing.
    for username in ("village", "town", "county", "leader"):
        sent = {"words": "各让一步", "key": f"by-{username}"}
        answer = client_of(username).post(f"{page}propose/", sent)
        assert answer.status_code in (403, 422), username
    assert town.case(case.pk).sequence == case.sequence
    assert Look.objects.filter(case_id=case.pk, way="paper").count() == 1


def test_one_code_shows_the_way_of_a_dispute_and_no_word_of_it(town):
    case = dispute(town)
    status, text = text_of(Client(), f"/mediation/{case.query_code}/")
    assert status == 200
    assert re.findall(r"社阳乡人民调解委员会|综治工作站", text)
    for word in (ONE, TWO, SECRET, HOUSE, "屋檐", str(case.pk)):
        assert word not in text
    assert Client().get("/mediation/AAAA-BBBB-CC/").status_code == 404
    with wall.standing(SYSTEM):
        matter = town.opened()
    assert Client().get(f"/mediation/{matter.query_code}/").status_code == 404


def test_a_partys_page_opens_by_its_own_address_alone(town):
    case = dispute(town)
    with wall.standing(SYSTEM):
        acts.propose(case.pk, town.mediator, "收短屋檐", "p")
    addresses = {n: f"/mediation/party/{case.pk}/{files.token_of(case.pk, n)}/" for n in (1, 2)}
    status, text = text_of(Client(), addresses[2])
    assert status == 200
    assert TWO in text
    assert "收短屋檐" in text
    # Neither the other side's words, telephone or name, nor the code that opens its receipt.
    for word in (SECRET, "13800001111", HOUSE, ONE, case.query_code):
        assert word not in text
    assert Client().get(f"/mediation/party/{case.pk}/{'0' * 20}/").status_code == 404
    other = files.token_of(case.pk, 3)
    assert Client().get(f"/mediation/party/{case.pk}/{other}/").status_code == 404
    answer = Client().post(addresses[2], {"act": "answer", "answer": "yes", "key": "k-answer"})
    assert answer.status_code == 302
    with wall.standing(SYSTEM):
        assert files.read(town.case(case.pk), opened=True).proposals[0].answers == {2: "yes"}
    stop = {"act": "stop", "key": "k-stop"}
    assert [Client().post(addresses[2], stop).status_code for _n in range(2)] == [302, 302]
    assert town.case(case.pk).state == "stopped"
    assert Client().post(addresses[1], {"act": "stop", "key": "k-2"}).status_code == 422


def test_no_figure_counts_a_confidential_dispute(town):
    for n, category in enumerate(("0102", "0102", "0101")):
        dispute(town, category, f"d{n}")
    today = local_day(now())
    period = Period(dt.date(today.year, 1, 1), dt.date(today.year, 12, 31))
    with wall.standing(SYSTEM):
        seen = figures.count(figures.rows("330825", period, sight_of(town.county)), today)
        every = figures.count(figures.rows("330825", period, sight_of(SYSTEM)), today)
    assert (seen.screened, every.screened) == (2, 3)
    assert figures in applications.figures()
    brought = client_of("county").get("/desk/figures/").context["brought"]
    assert [(part["name"], part["lines"][0].value) for part in brought] == [("mediation", "2")]
    status, text = text_of(client_of("county"), "/mediation/desk/figures/")
    assert status == 200
    assert "婚恋家庭" not in text
    assert client_of("county").get("/mediation/desk/figures/?area=330802").status_code == 404
    assert client_of("mediator").get("/mediation/desk/figures/").status_code == 404
    assert client_of("housing").get("/mediation/desk/figures/").status_code == 404


def test_what_is_sealed_is_on_no_other_page_of_the_desk(town):
    """Search, queue, the general page of the case, the receipt, exports: not one sealed word."""
    case = dispute(town)
    asked = (f"/desk/case/{case.pk}/", "/desk/?tab=open", f"/desk/?tab=open&q={SECRET}",
             f"/desk/case/{case.pk}/move/log/", "/desk/map/cases.json", "/live/since/")  # fmt: skip
    for username in ("village", "town", "county", "mediator", "leader"):
        client = client_of(username)
        for address in asked:
            text = client.get(address).content.decode()
            for word in (SECRET, HOUSE, TWO):
                assert word not in text, (username, address)
    receipt = Client().get(f"/r/{case.query_code}/").content.decode()
    assert SECRET not in receipt
    assert TWO not in receipt


def test_a_party_signs_the_newest_text_with_its_own_name_and_nothing_else_is_put_in_force(town):
    case = dispute(town)
    words = {"facts": "屋檐滴水", "disputed": "谁来修", "responsibility": "各有责任",
             "content": "收短屋檐\r\n装落水管", "manner": "请工施工",
             "items": "2027-01-31 完工"}  # fmt: skip
    me = client_of("mediator")
    desk = f"/mediation/desk/{case.pk}/"
    assert me.post(f"{desk}draft_agreement/", {**words, "key": "d1"}).status_code == 302
    own = f"/mediation/party/{case.pk}/{files.token_of(case.pk, 2)}/"
    said = {"act": "sign", "draft": "1", "name": TWO}
    assert "收短屋檐" in text_of(Client(), own)[1]
    assert Client().post(own, {**said, "name": ONE, "key": "s1"}).status_code == 422
    assert me.post(f"{desk}draft_agreement/", {**words, "key": "d2"}).status_code == 302
    refused = Client().post(own, {**said, "key": "s2"}, headers={"accept-language": "zh-CN"})
    assert "文本已有改动。请重新阅读后再签名。" in refused.content.decode()
    for _n in range(2):
        assert Client().post(own, {**said, "draft": "2", "key": "s3"}).status_code == 302
    assert Client().post(own, {**said, "draft": "2", "key": "s4"}).status_code == 422
    # What is drawn at the desk is what was signed, and goes into force as it was drawn.
    fields = me.get(f"{desk}agree/").context["fields"]
    drawn = {field.name: field.value for field in fields if field.value}
    today = local_day(now()).isoformat()
    assert drawn["signed_2"] == today
    typed = {**drawn, "content": "收短屋檐\r\n装落水管", "signed_1": today, "key": "a1"}
    other = {**typed, "content": "拆掉屋檐", "key": "a0"}
    assert me.post(f"{desk}agree/", other).status_code == 422
    assert me.post(f"{desk}agree/", typed).status_code == 302
    with wall.standing(SYSTEM):
        agreed = files.read(town.case(case.pk), opened=True).agreement
    assert agreed is not None
    assert (agreed.signed, agreed.page["online"], agreed.page["content"]) == (
        [1, 2], "2", "收短屋檐\n装落水管",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("社阳乡社阳村", ["330825209201"]), ("社阳乡 社阳村", ["330825209201"]),
        ("龙游县社阳乡社阳村", ["330825209201"]), ("社阳", ["330825209201"]), ("月亮村", []),
        ("  ", []),
    ],
)  # fmt: skip
def test_a_village_is_found_by_its_name_with_or_without_spaces(
    town: Any, typed: str, codes: list[str]
) -> None:
    assert [code for code, _name in pages._places(typed)] == codes
