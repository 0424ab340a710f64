"""What mediation puts into the demonstration town: made-up disputes in four states, a screening."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from maplebridge.applications.mediation import acts, screening
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor, reporter_of

VILLAGE = "330825209201"
COMMITTEE = "330825209-mediation"
# Key, cause, summary, how far it is, how many days ago it began.
DISPUTES = (
    ("field", "0104", "两户对田埂界线说法不一", "registered", 0),
    ("drip", "0102", "楼上空调滴水到楼下晾台", "choosing", 1),
    ("yard", "0103", "新建围墙是否占了公共过道", "mediating", 9),
    ("wage", "0106", "合伙卖茶的一笔货款怎么分", "performing", 14),
)
PARTIES = (
    {"name": "演示甲", "phone": "13800000011", "household": "上屋7号"},
    {"name": "演示乙", "household": "上屋9号"},
)


def open_demonstration() -> None:
    """Writes the made-up disputes; what is there already is left as it is."""
    people = {name: _actor(name) for name in ("town", "village", "mediator")}
    if any(actor is None for actor in people.values()):
        return
    town, village, mediator = (people[name] for name in ("town", "village", "mediator"))
    if town is None or village is None or mediator is None:
        return
    for key, cause, text, until, ago in DISPUTES:
        with transaction.atomic():
            _open(f"demonstration:{key}", cause, text, until, ago, village, mediator)
    _screen(town, village)


def _actor(username: str) -> Actor | None:
    account = Account.objects.filter(username=username, synthetic=True).first()
    return next(iter(actors_for(account, local_day(now()))), None) if account else None


def _open(
    key: str, cause: str, text: str, until: str, ago: int, village: Actor, mediator: Actor
) -> None:
    def at(days: int, hours: int = 0) -> dt.datetime:
        return now() - dt.timedelta(days=ago - days, hours=-hours)

    opened = acts.ask(
        acts.Asking(VILLAGE, cause, text, PARTIES, key, at=at(0), synthetic=True), village
    )
    case_id = opened.case_id
    if until == "registered" or Case.objects.get(pk=case_id).state != "registered":
        return
    engine.move(case_id, "accept", village, key=f"{key}:accept", at=at(0, 2))
    said = {"unit": COMMITTEE, "category": cause, "seriousness": "3"}
    acts.split(case_id, village, said, f"{key}:split", at(1))
    if until == "choosing":
        return
    me = str(mediator.account_id)
    acts.choose_mediator(case_id, mediator, me, {}, (1, 2), f"{key}:m", at(1, 2))
    acts.begin(case_id, mediator, (1, 2), (1, 2), False, "even", f"{key}:b", at(1, 3))
    session = {
        "held_on": local_day(at(2)).isoformat(), "way": "place", "where": "村调解室",
        "minutes": "60", "record": "双方各自说明情况，约定再看一次现场。",
    }  # fmt: skip
    acts.sit(case_id, mediator, session, (1, 2), f"{key}:s", at(2))
    acts.propose(case_id, mediator, "各让一步，按现场丈量的界线办。", f"{key}:p", at(3))
    for party in (1, 2):
        acts.answer_proposal(case_id, mediator, party, "yes", f"{key}:a{party}", at(4))
    if until == "mediating":
        due = (local_day(now()) + dt.timedelta(days=20)).isoformat()
        words = {
            "facts": "新建围墙时，两户对公共过道的宽度说法不一。",
            "disputed": "围墙是否占了公共过道。", "responsibility": "双方事先都没有丈量。",
            "content": "按现场丈量的界线，围墙退后二十厘米，过道保持一米五。",
            "manner": "由建墙一方请工改建，费用自理。",
            "items": f"{due} 围墙退后、过道清理完毕",
        }  # fmt: skip
        acts.draft_agreement(case_id, mediator, words, f"{key}:draft", at(5))
        name = PARTIES[0]["name"]
        acts.sign_draft(case_id, reporter_of(case_id), 1, 1, name, f"{key}:sign", at(5, 3))
        return
    day = local_day(at(5)).isoformat()
    form = {
        "form": "written", "facts": "双方合伙卖茶，对一笔货款的分法说法不一。",
        "disputed": "这笔货款各得多少。", "responsibility": "双方账目都不完整。",
        "content": "货款按六四分，甲方六成。", "manner": "转账。",
        "items": f"{(local_day(now()) + dt.timedelta(days=3)).isoformat()} 甲方转给乙方四成货款",
        "signed_1": day, "signed_2": day, "mediator_on": day, "sealed_on": day,
    }  # fmt: skip
    acts.agree(case_id, mediator, form, f"{key}:agree", at(5))


def _screen(town: Actor, village: Actor) -> None:
    today = local_day(now())
    days = {"begins": today - dt.timedelta(days=5), "ends": today + dt.timedelta(days=9)}
    said = {"title": "冬闲矛盾纠纷半月排查", **{n: day.isoformat() for n, day in days.items()}}
    campaign = screening.call(town, said, "demonstration:screening", synthetic=True)
    part = campaign.parts.filter(unit_code=village.unit_code).first()
    if part is not None and part.count is None:
        screening.answer(village, campaign, "1")
