"""The administration: an administrator publishes, nobody else gets in, and no case is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from maplebridge.cases.models import Case
from maplebridge.journey import route
from maplebridge.journey.configuration import TABLES
from maplebridge.organisation import editions
from maplebridge.organisation.models import Account, Edition, Holding, Post

pytestmark = pytest.mark.django_db

PAGES = (
    "/configuration/",
    "/configuration/gaps/",
    "/configuration/responsibilities/",
    "/configuration/durations/",
    "/configuration/durations/1/",
    "/configuration/durations/1/file/",
    "/configuration/durations/compare/?before=1&after=1",
)


def page(answer: Any) -> str:
    return str(answer.content.decode())


def desk_of(name: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=name))
    return client


def stranger(town: Any) -> Client:
    account = Account.objects.create(username="stranger", display_name="外乡人")
    post = Post.objects.create(
        code="stranger", unit_id=town.stranger.unit_code, role="clerk", title="值班员"
    )
    Holding.objects.create(account=account, post=post, begins="2026-01-01")
    return desk_of("stranger")


def responsibilities(*changes: tuple[str, str]) -> SimpleUploadedFile:
    """The table in force as a file, with units exchanged."""
    table = route.RESPONSIBILITIES
    text = editions.as_csv(table, editions.rows_of(table, table.number())).decode("utf-8-sig")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return SimpleUploadedFile("responsibilities.csv", text.encode())


def test_a_visitor_is_asked_to_sign_in_and_others_are_refused(client: Client, town: Any) -> None:
    for address in PAGES:
        assert client.get(address).status_code == 302
    for someone in (stranger(town), desk_of("town"), desk_of("leader"), desk_of("auditor")):
        for address in PAGES:
            assert someone.get(address).status_code == 403
        tried = someone.post("/configuration/durations/try/", {"file": responsibilities()})
        assert tried.status_code == 403
        said = {"rows": "", "expected": "1", "begins": "", "note": "x"}
        assert someone.post("/configuration/durations/publish/", said).status_code == 403
    assert Edition.objects.filter(number=2).count() == 0


def test_an_administrator_of_a_county_may_not_configure_the_city(town: Any) -> None:
    account = Account.objects.create(username="elsewhere", display_name="县管理员")
    post = Post.objects.create(
        code="elsewhere", unit_id="330825-center", role="administrator", title="管理员"
    )
    Holding.objects.create(account=account, post=post, begins="2026-01-01")
    assert desk_of("elsewhere").get("/configuration/").status_code == 403


def test_every_page_opens_for_the_administrator(town: Any) -> None:
    client = desk_of("administrator")
    for address in PAGES:
        assert client.get(address).status_code == 200
    for name in TABLES:
        assert client.get(f"/configuration/{name}/").status_code == 200
    assert client.get("/configuration/nothing/").status_code == 404
    assert client.get("/configuration/durations/9/").status_code == 404
    assert "系统设置" in page(client.get("/configuration/"))


def test_a_table_is_tried_with_counts_and_published_with_a_name(town: Any) -> None:
    client = desk_of("administrator")
    address = "/configuration/responsibilities/try/"

    def tried_now() -> Any:
        file = responsibilities(("1004,330825,330825-hsc", "1004,330825,330825-enf"))
        return client.post(address, {"file": file, "begins": "2026-11-01"})

    for _n in range(4):
        case = town.opened()
    # What concerns fewer than five cases is not told: it would ask for single ones.
    few = tried_now().context["effect"]
    assert (few["cases"], few["changed"], few["unowned"], few["rows"]) == (0, 0, 0, [])
    for _n in range(3):
        case = town.opened()
    tried = tried_now()
    assert tried.status_code == 200
    shown = tried.context["effect"]
    assert (shown["cases"], shown["changed"], shown["unowned"]) == (5, 5, 0)
    assert [row["cases"] for row in shown["rows"]] == [5]
    assert case.number not in page(tried)
    assert str(case.pk) not in page(tried)
    assert Edition.objects.filter(name="responsibilities").count() == 1
    said = {
        "rows": tried.context["rows_text"],
        "expected": tried.context["expected"],
        "begins": "2026-11-01",
        "note": "排水改由综合执法局负责",
    }
    assert (
        client.post("/configuration/responsibilities/publish/", {**said, "note": " "}).status_code
        == 422
    )
    done = client.post("/configuration/responsibilities/publish/", said)
    assert done["Location"] == "/configuration/responsibilities/2/"
    made = Edition.objects.get(name="responsibilities", number=2)
    assert made.account_id == town.administrator.account_id
    assert (made.role, made.unit_code) == ("administrator", "3308-center")
    assert made.note == "排水改由综合执法局负责"
    assert "卢系统" in page(client.get(done["Location"]))
    again = client.post("/configuration/responsibilities/publish/", said)
    assert again.status_code == 422
    assert "重新看" in page(again)
    assert Edition.objects.filter(name="responsibilities").count() == 2
    compared = client.get("/configuration/responsibilities/compare/?before=1&after=2")
    assert compared.context["counts"] == {"added": 0, "removed": 0, "changed": 1}
    assert Case.objects.get(pk=case.pk).suggested_unit == "330825-hsc"


def test_a_wrong_file_is_told_by_line_and_publishes_nothing(town: Any) -> None:
    client = desk_of("administrator")
    wrong = responsibilities(("1004,330825,330825-hsc", "1004,330825,330825-nobody"))
    answer = client.post("/configuration/responsibilities/try/", {"file": wrong})
    assert answer.status_code == 422
    problem = answer.context["problems"][0]
    text = wrong.file.getvalue().decode().splitlines()
    assert "330825-nobody" in text[problem.line - 1]
    assert client.post("/configuration/durations/try/", {}).status_code == 422
    assert Edition.objects.filter(number=2).count() == 0


def test_the_gaps_of_a_county_are_listed(town: Any) -> None:
    answer = desk_of("administrator").get("/configuration/gaps/?area=330825")
    assert answer.context["counts"] == {"gap": 15, "overlap": 0, "doubtful": 0}
    assert len(answer.context["findings"]) == 1
