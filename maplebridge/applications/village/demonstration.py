"""What the demonstration village shows: made up, and marked so on every row; opened once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from maplebridge.applications.village import letters, writing
from maplebridge.applications.village.models import Covenant, CovenantVersion, Writing
from maplebridge.applications.village.writing import SORTS
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor, Role

VILLAGE = "330825209201"
Said = Mapping[str, str]

# How many days ago, and what.
NOTICES: tuple[tuple[int, Said], ...] = (
    (
        1,
        {
            "topic": "safety",
            "title": "今冬第一轮寒潮要来了，请给水管穿好“棉衣”",
            "text": "县气象台预计本周后半段最低气温降到零度上下，高山自然村有冰冻。\n\n"
            "一、室外水管、水表请用旧棉衣或草绳包好；夜里可以留一线细水。\n"
            "二、用炭火取暖要开窗透气，睡前把火盆移到屋外。\n"
            "三、独居老人家里缺被子、缺炭的，请到便民服务室说一声，网格员当天送到。",
        },
    ),
    (
        3,
        {
            "topic": "service",
            "title": "城乡居民医保缴费延长到十二月二十日，村里可以代办",
            "text": "不会用手机缴费的，带上身份证到村便民服务室，工作人员当场帮您办。"
            "工作日上午八点半到十一点半、下午两点到五点；周六上午也有人值班。",
        },
    ),
    (
        6,
        {
            "topic": "farming",
            "title": "油菜苗期管护要点：清沟、追肥、防渍",
            "text": "近期雨水偏多，低田请先清沟排水，再看苗追肥。叶片发黄发紫的，"
            "每亩补尿素五公斤左右，晴天傍晚撒。拿不准的可以拍照发到村民信箱，农技员每周二集中答复。",
        },
    ),
    (
        12,
        {
            "topic": "news",
            "title": "老桥头两盏路灯修好了",
            "text": "有村民反映老桥头路灯不亮，公用事业公司更换了灯头和线路，当晚已经点亮。"
            "以后看到灯不亮，直接点“上报事项”就行。",
        },
    ),
    (
        20,
        {
            "topic": "notice",
            "title": "村便民服务室搬到文化礼堂一楼",
            "text": "本月起便民服务室搬到文化礼堂一楼东侧，门口有坡道，轮椅可以直接进。电话不变。",
        },
    ),
)
ENTRIES: tuple[tuple[int, Said], ...] = (
    (
        4,
        {
            "ledger": "finance",
            "title": "村道排水沟清淤",
            "amount": "12800.00",
            "flow": "expense",
            "text": "社阳村菜市场至老桥头段，共三百二十米。村民代表会议同意，两家报价取低。",
            "document": "社阳村财〔2026〕31号",
        },
    ),
    (
        9,
        {
            "ledger": "finance",
            "title": "集体茶园第四季度租金",
            "amount": "46500.00",
            "flow": "income",
            "text": "按租赁合同第三条，每季度末前到账。",
            "document": "茶园租赁合同（2024—2029）",
        },
    ),
    (
        16,
        {
            "ledger": "finance",
            "title": "文化礼堂电费与维护",
            "amount": "1936.40",
            "flow": "expense",
            "text": "十月份电费一千四百三十六元四角，更换灯管五百元。",
            "document": "供电公司电费单",
        },
    ),
    (
        41,
        {
            "ledger": "finance",
            "title": "县级美丽乡村补助资金",
            "amount": "150000.00",
            "flow": "income",
            "text": "专款用于老桥头周边步道整修，结余交回。",
            "document": "龙财农〔2026〕118号",
        },
    ),
    (
        5,
        {
            "ledger": "affairs",
            "title": "村民代表会议通过明年春灌用水轮序",
            "text": "应到三十五人，实到三十一人，同意三十人，弃权一人。轮序表贴在各自然村公告栏。",
            "document": "村民代表会议记录（2026年第5次）",
        },
    ),
    (
        22,
        {
            "ledger": "affairs",
            "title": "公益性岗位（河道保洁）招用结果",
            "text": "招用两个岗位，经自荐、评议、公示七天，无异议。",
            "document": "社阳村公示〔2026〕12号",
        },
    ),
    (
        8,
        {
            "ledger": "party",
            "title": "十一月主题党日：清理河岸、走访独居老人",
            "text": "上午清理社阳溪河岸，下午分组走访。讨论了寒潮期间值班安排。",
            "document": "支部会议记录（2026年第11次）",
        },
    ),
)
# In how many days, at what hour, for how many hours.
ACTIVITIES: tuple[tuple[int, int, int, Said], ...] = (
    (
        5,
        19,
        2,
        {
            "title": "广场电影：《流浪地球》",
            "place": "文化礼堂前广场",
            "text": "露天放映，自带小板凳。下雨改在礼堂里。",
        },
    ),
    (
        9,
        9,
        3,
        {
            "title": "义诊：量血压、测血糖、看眼睛",
            "place": "便民服务室",
            "text": "乡卫生院医生坐诊，不收费，不用登记，来了排队就看。"
            "行动不便的可以打电话请医生上门。",
        },
    ),
    (
        -6,
        14,
        2,
        {
            "title": "剪纸课：给冬至做窗花",
            "place": "文化礼堂二楼",
            "text": "材料由村里准备，大人小孩都可以来。",
        },
    ),
)
COVENANT_BEFORE = {
    "title": "社阳村村规民约",
    "on": "2023-03-18",
    "adopted_by": "村民会议",
    "text": "一、爱护河道，不向社阳溪倒垃圾、排污水。\n\n二、红白喜事从简，不攀比。\n\n"
    "三、邻里有事好商量，商量不拢找调解员。\n\n四、房前屋后自己扫干净，柴草堆放不占道。",
}
COVENANT = {
    "title": "社阳村村规民约",
    "on": "2026-03-08",
    "adopted_by": "村民会议",
    "text": "第一条　爱护一条溪。不向社阳溪倒垃圾、排污水，不电鱼、不毒鱼；"
    "看到了请劝一句，劝不动请上报。\n\n"
    "第二条　喜事新办，丧事简办。席面不超过十五桌，用文化礼堂的免场地费。\n\n"
    "第三条　邻里有事好商量。围墙、滴水、过道的事先坐下来谈，谈不拢请调解员，不动手、不断路。\n\n"
    "第四条　门前三包。房前屋后自己扫干净，柴草、农机不占公共道路。\n\n"
    "第五条　夜里十点后不放鞭炮、不开高音喇叭，农忙抢收除外。\n\n"
    "第六条　孤寡老人家里有急事，左邻右舍先搭把手，再告诉网格员。\n\n"
    "第七条　本约由村民会议通过，写进来的都是大家说好的事；不罚款，不停水电，不上墙点名。",
    "changes": "新增第五条（夜间安静）和第六条（互相照应）；第二条写明桌数；"
    "删去与法律不一致的罚款条款。",
}
WRITTEN = "晚上文化礼堂的广播能不能早一点停？家里有学生要复习，九点半还在放音乐。"
ANSWERED = (
    "广场东边的健身器材坏了两件，小孩爬上去不安全，什么时候修？",
    "您好！两件器材已停用并围挡，厂家周五前来换配件。修好后我们会在“村情动态”告诉大家。谢谢您提醒。",
)


def open_demonstration() -> None:
    """Writes what the demonstration village shows; what is there already is left as it is."""
    account = Account.objects.filter(username="village", synthetic=True).first()
    posts = actors_for(account, local_day(now())) if account else []
    actor = next((post for post in posts if post.role == Role.STATION), None)
    if actor is None:
        return
    with transaction.atomic():
        if not Writing.objects.filter(unit_code=actor.unit_code, key="demonstration:done").exists():
            _write_papers(actor)
    _write_letters(actor)


def _write_papers(actor: Actor) -> None:
    today = local_day(now())
    for n, (ago, said) in enumerate(NOTICES):
        on = (today - dt.timedelta(days=ago)).isoformat()
        _publish("notice", {**said, "on": on}, actor, f"notice:{n}", ago)
    for n, (ago, said) in enumerate(ENTRIES):
        on = (today - dt.timedelta(days=ago)).isoformat()
        _publish("entry", {**said, "on": on}, actor, f"entry:{n}", ago)
    for n, (ahead, hour, hours, said) in enumerate(ACTIVITIES):
        begins = dt.datetime.combine(today + dt.timedelta(days=ahead), dt.time(hour), CHINA)
        ends = begins + dt.timedelta(hours=hours)
        times = {"begins_at": _typed(begins), "ends_at": _typed(ends)}
        _publish("activity", {**said, **times}, actor, f"activity:{n}", max(3, -ahead + 3))
    first = _publish("covenant", COVENANT_BEFORE, actor, "covenant:1", 900)
    if isinstance(first, CovenantVersion):
        _publish("covenant", COVENANT, actor, "done", 200, covenant=first.covenant)


def _typed(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _publish(
    sort: str, said: Said, actor: Actor, key: str, ago: int, covenant: Covenant | None = None
) -> Any:
    return writing.make(
        SORTS[sort],
        VILLAGE,
        writing.read(SORTS[sort], said),
        actor,
        f"demonstration:{key}",
        covenant=covenant.pk if covenant else None,
        synthetic=True,
        at=now() - dt.timedelta(days=ago),
    )


def _write_letters(actor: Actor) -> None:
    """One letter that waits for its answer, and one that was answered in public."""
    begun = now() - dt.timedelta(hours=30)
    letters.take_in(_letter("waiting", "suggestion", WRITTEN, now() - dt.timedelta(hours=5)))
    asked, reply = ANSWERED
    receipt = letters.take_in(_letter("answered", "question", asked, begun))
    case = Case.objects.get(pk=receipt.case_id)
    if case.state != "unanswered" or case.sequence > 1:
        return
    engine.move(
        case.pk, "close", actor, key="demonstration:close", facts={"reply": reply},
        at=begun + dt.timedelta(hours=20),
    )  # fmt: skip
    case.refresh_from_db()
    said = {"title": "广场健身器材什么时候修", "text": asked, "answer": reply}
    letters.publish(case, said, actor, "demonstration:publish")


def _letter(key: str, about: str, text: str, at: dt.datetime) -> letters.Letter:
    return letters.Letter(
        village=VILLAGE, about=about, text=text, key=f"demonstration:{key}", anonymous=True,
        may_publish=True, at=at, synthetic=True,
    )  # fmt: skip
