"""A report on its way through the automatic steps, from a real feed."""

from __future__ import annotations

import pytest

from maplebridge.cases import engine
from maplebridge.cases.models import Case, Event
from maplebridge.config.worker import carry_out_all
from maplebridge.journey import learn, route
from maplebridge.journey.advance import advance
from maplebridge.journey.intake import Report, ReportRefused, take_in
from maplebridge.journey.models import DecisionRecord, Step
from maplebridge.journey.rate import follow
from maplebridge.organisation.people import SYSTEM


def say(text, key="report-key-1", **fields):
    return take_in(Report(channel="web", account="session", key=key, text=text, **fields))


def decisions(case_id):
    return {d.step: d for d in DecisionRecord.objects.filter(case_id=case_id, by_person=False)}


@pytest.mark.django_db
def test_a_blocked_drain_finds_its_township_category_and_owner(town):
    receipt = say("龙游县社阳乡社阳村村口下水道堵了，污水漫到路上")
    advance(receipt.case_id)
    case = Case.objects.get(pk=receipt.case_id)
    assert case.area_code == "330825209201"
    assert case.category == "1004"
    assert case.unit_code == "330825209-room"
    assert case.suggested_unit == "330825-hsc"
    assert case.asks == []
    assert case.state == "reported"
    found = decisions(case.pk)
    assert set(found) == {"locate", "classify", "dedupe", "route", "about"}
    assert all(d.version and d.reason and 0 <= d.confidence <= 1 for d in found.values())


@pytest.mark.django_db
def test_without_place_and_kind_a_person_is_asked_and_the_city_answers_for_it(town):
    receipt = say("嗯嗯，啊啊，哦哦")
    advance(receipt.case_id)
    case = Case.objects.get(pk=receipt.case_id)
    assert case.asks == ["place", "kind", "owner"]
    assert case.unit_code == "3308-center"
    assert case.due_at is not None


@pytest.mark.django_db
def test_advancing_twice_changes_nothing(town):
    receipt = say("龙游县社阳乡社阳村路灯不亮")
    assert advance(receipt.case_id) is not None
    before = Case.objects.values().get(pk=receipt.case_id)
    assert advance(receipt.case_id) is None
    assert Case.objects.values().get(pk=receipt.case_id) == before


@pytest.mark.django_db
def test_a_twin_is_suggested_and_nothing_is_merged(town):
    first = say("龙游县社阳乡社阳村村口下水道堵了，污水漫到路上，臭得很", key="report-key-a")
    second = say("龙游县社阳乡社阳村村口下水道堵了，污水漫到路上，很臭", key="report-key-b")
    advance(first.case_id)
    advance(second.case_id)
    twin = decisions(second.case_id)["dedupe"]
    assert twin.value == str(first.case_id)
    assert Case.objects.get(pk=second.case_id).state == "reported"


@pytest.mark.django_db
def test_overruling_keeps_both_answers_and_moves_the_case(town):
    receipt = say("龙游县社阳乡社阳村村口下水道堵了")
    advance(receipt.case_id)
    learn.overrule(receipt.case_id, Step.CLASSIFY, "0901", town.town, key="tap-1")
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.category, case.line, case.sla_class) == ("0901", "ENF", "S2")
    assert case.suggested_unit == "330825-enf"
    kept = DecisionRecord.objects.filter(case_id=case.pk, step="classify").order_by("sequence")
    assert [(d.value, d.by_person) for d in kept] == [("1004", False), ("0901", True)]


@pytest.mark.django_db
def test_a_place_said_by_a_person_moves_the_case_to_that_room(town):
    receipt = say("下水道堵了，污水漫到路上")
    advance(receipt.case_id)
    assert Case.objects.get(pk=receipt.case_id).unit_code == "3308-center"
    learn.overrule(receipt.case_id, Step.LOCATE, town.village_code, town.city, key="tap-1")
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.area_code, case.unit_code, case.asks) == (
        town.village_code,
        "330825209-room",
        [],
    )
    assert case.suggested_unit == "330825-hsc"


@pytest.mark.django_db
def test_a_stranger_may_not_overrule(town):
    receipt = say("龙游县社阳乡社阳村村口下水道堵了")
    advance(receipt.case_id)
    with pytest.raises(engine.NotAllowed):
        learn.overrule(receipt.case_id, Step.CLASSIFY, "0901", town.stranger, key="tap-1")
    assert Case.objects.get(pk=receipt.case_id).category == "1004"
    assert not DecisionRecord.objects.filter(case_id=receipt.case_id, by_person=True).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"text": ""}, "text", "几句话"),
        ({"text": "长" * 100_000}, "text", "100000"),
        ({"text": "灯", "lon": 120.15, "lat": 30.27}, "point", "不在本市"),
        ({"text": "灯", "lon": 118.9, "lat": 28.9, "datum": "MARS"}, "point", "MARS"),
        ({"text": "灯", "lon": 118.9}, "point", "经度"),
        ({"text": "灯", "place": "远" * 201}, "place", "201"),
    ],
)
def test_bad_input_is_a_sentence_and_nothing_is_written(town, fields, field, said):
    from django.utils import translation

    before = Case.objects.count()
    with translation.override("zh-hans"), pytest.raises(ReportRefused) as refused:
        take_in(Report(channel="web", account="s", key="bad-input-key", **fields))
    assert said in refused.value.problems[field]
    assert Case.objects.count() == before


@pytest.mark.django_db
def test_the_responsibility_table_prefers_the_smaller_area_and_the_newer_row(town):
    import datetime as dt

    rows = [
        route.Row(1, "1004", "330825", "330825-hsc", dt.date(2020, 1, 1), None),
        route.Row(2, "1004", "330825", "330825-utl", dt.date(2026, 6, 1), None),
        route.Row(3, "10", "330825209", "330825209-enforce", dt.date(2020, 1, 1), None),
    ]
    table = route.Table(rows)
    day = dt.date(2026, 3, 1)
    assert table.find("1004", "330825100200", day).number == 1
    assert table.find("1004", "330825100200", dt.date(2026, 7, 1)).number == 2
    assert table.find("1004", "330825209201", day).number == 3
    assert table.find("0901", "330825100", day) is None


def test_the_worker_takes_a_report_to_its_room_from_the_feed(committed_town):
    receipt = say("龙游县社阳乡社阳村村口下水道堵了", phone="13900000000", name="赵小满")
    assert carry_out_all("tester") > 0
    case = Case.objects.get(pk=receipt.case_id)
    assert case.unit_code == "330825209-room"
    assert Event.objects.filter(case_id=case.pk, role=SYSTEM.role).count() == 1
    assert carry_out_all("tester") == 0


def test_merging_is_told_to_the_other_case_once(committed_town):
    town = committed_town
    kept, twin = town.opened("accepted"), town.opened("accepted")
    town.move(twin.pk, "merge", town.town, {"into": str(kept.pk)})
    carry_out_all("tester")
    assert Event.objects.filter(case_id=kept.pk, move="absorb").count() == 1
    found = follow(twin.query_code.lower().replace("-", " "))
    assert (found.own.pk, found.shown.pk) == (twin.pk, kept.pk)
    town.move(twin.pk, "unmerge", town.town, {"reason": "不是一回事"})
    carry_out_all("tester")
    assert Event.objects.filter(case_id=kept.pk, move="give_back").count() == 1
    assert follow(twin.query_code).shown.pk == twin.pk


@pytest.mark.django_db
def test_a_wrong_code_finds_nothing(town):
    assert follow("ABCD-EFGH-JKMN") is None
    assert follow("") is None
    assert follow("<script>") is None


@pytest.mark.django_db
def test_clocks_of_an_unpublished_year_are_counted_again_once(town, monkeypatch):
    import datetime as dt

    from maplebridge.journey import work
    from maplebridge.organisation.calendar import CALENDAR

    far = dt.datetime(CALENDAR.last_year + 2, 3, 3, 9, tzinfo=dt.UTC)
    case = town.case(town.report(at=far).case_id)
    assert case.due_provisional
    monkeypatch.setattr(CALENDAR, "last_year", CALENDAR.last_year + 2)
    assert work.recount_provisional() == 1
    assert not town.case(case.pk).due_provisional
    assert Event.objects.get(case_id=case.pk, sequence=2).move == "recount"
    assert work.recount_provisional() == 0


def test_a_case_whose_other_was_merged_away_meanwhile_goes_on_by_itself(committed_town):
    town = committed_town
    first, second = town.opened("accepted"), town.opened("accepted")
    town.move(first.pk, "merge", town.town, {"into": str(second.pk)})
    # As if both clerks had merged at the same moment, each into the other's.
    Case.objects.filter(pk=first.pk).update(merged_into=None, ended=False, state="accepted")
    town.move(second.pk, "merge", town.town, {"into": str(first.pk)})
    Case.objects.filter(pk=first.pk).update(merged_into=second.pk, ended=True, state="merged")
    carry_out_all("tester")
    assert (town.case(first.pk).state, town.case(second.pk).state) == ("accepted", "merged")
    assert town.case(second.pk).merged_into == first.pk
