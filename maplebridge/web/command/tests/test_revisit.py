"""The revisit desk: whom to call, through a relay, and that nobody is content by not answering."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from maplebridge.cases import engine
from maplebridge.cases.models import Case, Event
from maplebridge.connectors import relay
from maplebridge.insight.indicators import indicators
from maplebridge.insight.periods import Period
from maplebridge.lib import clock
from maplebridge.web.command import revisit
from maplebridge.web.command.tests.test_desk import desk_of

pytestmark = pytest.mark.django_db
PAGE = "/desk/revisit/"
PHONE = "13905701234"
DAY = dt.timedelta(days=1)


def closed(town: Any, state: str = "closed", **fields: Any) -> Case:
    reporter = fields.pop("reporter", {"name": "李某", "phone": PHONE})
    case_id = town.report(reporter=reporter, **fields).case_id
    town.triage(case_id)
    return town.walk(case_id, state)


def post(name: str, case: Case, **said: str) -> Any:
    said.setdefault("key", f"key-{Event.objects.count()}")
    return desk_of(name).post(PAGE, {"case": str(case.pk), **said})


def figures() -> dict[str, tuple[int, int]]:
    today = clock.local_day(clock.now())
    found = indicators("330825", Period(today - 40 * DAY, today + DAY), clock.now(), exclusions=())
    return {
        one.name: (one.numerator, one.denominator or 0)
        for one in found
        if one.name in ("satisfied_share", "solved_share", "rated_share")
    }


def test_who_left_a_telephone_and_rated_badly_comes_first(town: Any) -> None:
    waiting = closed(town)
    badly = closed(town)
    town.move(badly.pk, "rate", town.resident(badly.pk), {"rating": "1", "solved": False})
    content = closed(town)
    town.move(content.pk, "rate", town.resident(content.pk), {"rating": "5", "solved": True})
    silent = closed(town, reporter={})
    found = list(revisit.to_call(town.revisit).values_list("pk", flat=True))
    assert found == [badly.pk, waiting.pk]
    page = desk_of("revisit").get(PAGE).content.decode()
    assert "差评" in page
    assert page.index(badly.number) < page.index(waiting.number)
    assert content.number not in page
    sampled = {case.pk for case in revisit.to_check(town.revisit)}
    assert (silent.pk in sampled) == (str(silent.pk)[-1] in revisit.SAMPLED)


def test_of_many_without_a_telephone_one_in_eight_is_checked(town: Any) -> None:
    cases = [closed(town, reporter={}, anonymous=True) for _n in range(24)]
    expected = {case.pk for case in cases if str(case.pk)[-1] in revisit.SAMPLED}
    assert {case.pk for case in revisit.to_check(town.revisit)} == expected
    assert len(revisit.SAMPLED) / 16 == 1 / 8
    for case in cases:
        if case.pk in expected:
            assert post("revisit", case, act="check", found="not_convincing").status_code == 302
            assert case.pk in {each.pk for each in revisit.to_reopen(town.county)}
    assert not revisit.to_check(town.revisit).exists()
    # Nobody was asked, so nothing of it is in any share.
    assert figures() == {
        "satisfied_share": (0, 0),
        "rated_share": (0, len(cases)),
        "solved_share": (0, 0),
    }


def test_the_clerk_is_lent_a_number_and_never_reads_the_reporters(town: Any) -> None:
    case = closed(town)
    before = desk_of("revisit").get(PAGE).content.decode()
    answer = post("revisit", case, act="call")
    assert answer.status_code == 302
    page = desk_of("revisit").get(answer.headers["Location"]).content.decode()
    lent = relay.present(case.pk, town.revisit.account_id)
    assert lent is not None
    assert lent.is_made_up
    assert lent.number in page
    assert "000-0000-" not in before
    for said in (before, page):
        assert PHONE not in said
        assert "李某" not in said
    assert dt.timedelta(minutes=14) < lent.until - clock.now() <= dt.timedelta(minutes=15)
    kept = list((Path(settings.STATE) / "relay").glob(f"{case.pk}.*"))
    assert [sorted(json.loads(one.read_text())) for one in kept] == [["made_up", "number", "until"]]
    # Pressed again, it is the same number; for somebody else another one.
    post("revisit", case, act="call")
    assert relay.present(case.pk, town.revisit.account_id) == lent
    assert relay.present(case.pk, town.county.account_id) is None
    post("revisit", case, act="record", outcome="solved")
    assert relay.present(case.pk, town.revisit.account_id) is None


def test_a_number_that_was_lent_ends_by_itself(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = closed(town)
    lent = relay.call(case.pk, town.revisit.account_id, PHONE)
    monkeypatch.setattr(relay, "now", lambda: lent.until)
    assert relay.present(case.pk, town.revisit.account_id) is None
    with pytest.raises(ValueError, match="without a telephone"):
        relay.call(case.pk, town.revisit.account_id, "")


def test_three_days_are_tried_before_it_is_not_reached(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, begun = closed(town), clock.now()
    for day in range(2):
        for module in (clock, engine):
            monkeypatch.setattr(module, "now", lambda day=day: begun + day * DAY)
        assert [each.pk for each in revisit.to_call(town.revisit)] == [case.pk]
        # A second try of the same day is noted, and does not count as another day.
        for _turn in range(2):
            assert post("revisit", case, act="record", outcome="not_reached").status_code == 302
            assert town.case(case.pk).state == "closed"
            assert list(revisit.to_call(town.revisit)) == []
    for module in (clock, engine):
        monkeypatch.setattr(module, "now", lambda: begun + 2 * DAY)
    assert "最后一次尝试" in desk_of("revisit").get(PAGE).content.decode()
    assert post("revisit", case, act="record", outcome="not_reached").status_code == 302
    assert town.case(case.pk).state == "archived"
    assert list(revisit.to_call(town.revisit)) == []


def test_the_same_try_sent_twice_is_one(town: Any) -> None:
    case = closed(town)
    for _turn in range(2):
        post("revisit", case, act="record", outcome="not_reached", key="one-try")
    assert Event.objects.filter(case_id=case.pk, move="try_reach").count() == 1


def test_who_is_not_reached_never_counts_as_content_nor_as_solved(town: Any) -> None:
    answered, silent, tried = closed(town), closed(town), closed(town)
    town.move(answered.pk, "rate", town.resident(answered.pk), {"rating": "5", "solved": True})
    town.move(silent.pk, "revisit", town.revisit, {"outcome": "not_reached"})
    town.move(tried.pk, "try_reach", town.revisit)
    # One of three answered, and that one is content: 1 of 1, with a response of 1 in 3.
    assert figures() == {
        "satisfied_share": (1, 1),
        "rated_share": (1, 3),
        "solved_share": (1, 2),
    }
    for case in (silent, tried):
        now = town.case(case.pk)
        assert (now.rating, now.solved) == (None, None)


def test_a_yes_on_the_telephone_is_solved_but_no_rating(town: Any) -> None:
    case = closed(town)
    assert post("revisit", case, act="record", outcome="solved").status_code == 302
    assert figures() == {
        "satisfied_share": (0, 0),
        "rated_share": (0, 1),
        "solved_share": (1, 1),
    }


def test_a_call_never_takes_back_what_the_reporter_rated(town: Any) -> None:
    case = closed(town)
    town.move(case.pk, "rate", town.resident(case.pk), {"rating": "1", "solved": False})
    before = figures()
    assert before == {"satisfied_share": (0, 1), "rated_share": (1, 1), "solved_share": (0, 1)}
    assert post("revisit", case, act="record", outcome="solved").status_code == 302
    assert figures() == before
    assert (town.case(case.pk).rating, town.case(case.pk).solved) == (1, False)


def test_what_is_not_solved_is_reopened_by_order_and_goes_to_its_unit(town: Any) -> None:
    case = closed(town)
    post("revisit", case, act="record", outcome="not_solved")
    page = desk_of("revisit").get(PAGE).content.decode()
    assert case.number in page
    assert 'value="reopen"' not in page  # a dispatcher orders it
    refused = post("revisit", case, act="reopen", reason="没有解决")
    assert refused.status_code == 422
    assert 'value="reopen"' in desk_of("county").get(PAGE).content.decode()
    assert post("county", case, act="reopen", reason="回访未解决").status_code == 302
    now = town.case(case.pk)
    assert (now.state, now.ended, now.unit_code) == ("filed", False, "330825209-room")
    assert list(revisit.to_reopen(town.county)) == []


def test_who_handled_it_calls_nobody_back(town: Any) -> None:
    case = closed(town)
    Case.objects.filter(pk=case.pk).update(handler_unit=town.revisit.unit_code)
    assert list(revisit.to_call(town.revisit)) == []
    answer = post("revisit", case, act="call")
    assert answer.status_code == 422
    assert "由办理人以外的人回访" in answer.content.decode()
    assert relay.present(case.pk, town.revisit.account_id) is None
    assert post("revisit", case, act="record", outcome="solved").status_code == 422
    assert not Event.objects.filter(case_id=case.pk, move="revisit").exists()


def test_nothing_chosen_gets_a_sentence_and_keeps_the_note(town: Any) -> None:
    case = closed(town)
    answer = post("revisit", case, act="record", note="说下周再看")
    assert answer.status_code == 422
    assert "说下周再看" in answer.content.decode()
    assert post("revisit", case, act="record", outcome="content").status_code == 422


def test_the_relay_that_is_away_says_so(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        is_made_up = False

        def lend(self, _telephone: str, _until: dt.datetime) -> str:
            raise OSError("no route")

    case = closed(town)
    monkeypatch.setattr(relay, "provider", Away)
    answer = post("revisit", case, act="call")
    assert answer.status_code == 503
    assert "中继号码服务暂时连不上" in answer.content.decode()


def test_the_move_stands_at_this_desk_and_on_no_page_of_a_case(town: Any) -> None:
    case = closed(town)
    page = desk_of("county").get(f"/desk/case/{case.pk}/").content.decode()
    assert "/move/revisit/" not in page
    assert desk_of("county").get(f"/desk/case/{case.pk}/move/revisit/").status_code == 404
    for name in ("housing", "village", "leader", "supervisor", "auditor"):
        assert desk_of(name).get(PAGE).status_code == 403
