"""The ten papers of a mediation file (一案一卷), set by the house's paper engine.

They are papers of a Chinese committee for Chinese courts, so they are written in Chinese whatever
the reader's language is. Source: domain guide, 4.7; People's Mediation Law, articles 20 to 33.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from maplebridge.applications.mediation import acts, rules
from maplebridge.applications.mediation.files import Agreement, File
from maplebridge.insight.paper_words import area_names, place_words
from maplebridge.journey.models import Category
from maplebridge.lib.clock import CHINA, local_day
from maplebridge.lib.papers import (
    Block,
    Column,
    Facts,
    Heading,
    Note,
    Paper,
    Paragraph,
    Signature,
    Table,
)
from maplebridge.organisation.units import directory

SOURCES = {"application": "当事人申请", "screening": "排查发现", "transfer": "有关单位移交"}
WEIGHTS = {"1": "一级（重大）", "2": "二级（疑难）", "3": "三级（简单）"}
WAYS = {"place": "现场", "video": "视频"}
KEPT = {"whole": "已履行", "part": "部分履行", "not": "未履行", "": "待履行"}
GROUNDS = {
    "party": "当事人不愿意继续调解", "apart": "双方未能达成一致", "elsewhere": "纠纷已另行解决",
    "unfit": "纠纷不宜由人民调解处理", "unsafe": "当事人的安全或者自愿得不到保障",
}  # fmt: skip
ANSWERS = {"yes": "同意", "no": "不同意"}
# Source: People's Mediation Law, articles 23 and 24, and what follows from 3, 18, 19, 32 and 33.
RIGHTS = (
    "一、有权选择或者接受人民调解员，也可以拒绝，不必说明理由；",
    "二、有权接受调解、拒绝调解或者要求终止调解；",
    "三、有权要求调解公开进行或者不公开进行；",
    "四、有权自主表达意愿、自愿达成调解协议；",
    "五、调解不收取任何费用，不影响依法申请仲裁、行政处理或者向人民法院起诉；",
    "六、达成协议后，可以自协议生效之日起三十日内共同向人民法院申请司法确认。",
)
DUTIES = (
    "一、如实陈述纠纷事实；",
    "二、遵守调解现场秩序，尊重人民调解员；",
    "三、尊重对方当事人行使权利；",
    "四、按照约定履行调解协议。",
)
ADVICE = (
    "一、依法应当或者可以仲裁的，可以向劳动人事争议仲裁委员会、农村土地承包仲裁委员会或者约定的"
    "仲裁委员会申请仲裁；",
    "二、可以依法向有管辖权的人民法院提起诉讼，请注意诉讼时效；",
    "三、可以依法请求有关行政机关处理；经济困难的，可以向法律援助机构（12348）申请法律援助。",
)


@dataclass(frozen=True)
class Ready:
    """A paper that a file has now. name: as in its address."""

    name: str
    label: str


def ready(file: File) -> list[Ready]:
    """The papers that a file has so far, in the order of the file."""
    return [Ready(name, label) for name, (label, there, _write) in PAPERS.items() if there(file)]


def paper(name: str, file: File, at: dt.datetime) -> Paper:
    """One paper of a file whose sealed pages are open. Raises KeyError for an unknown name."""
    label, _there, write = PAPERS[name]
    committee = directory().name_of(file.case.unit_code)
    return Paper(
        title=label, issuer=committee, blocks=tuple(write(file, at)), number=file.case.number,
        day=_day(local_day(at)), mark="密封" if name in SEALED else "",
        foot="本卷材料仅供当事人、承办调解组织和有权机关查阅，不得另作他用。",
        page="第 {n} 页　共 {of} 页",
    )  # fmt: skip


# -- what papers share ------------------------------------------------------------------------


def _day(day: dt.date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "　　年　　月　　日"


def _moment(at: dt.datetime) -> str:
    local = at.astimezone(CHINA)
    return f"{_day(local.date())}{local:%H:%M}"


def _said_day(typed: str) -> str:
    try:
        return _day(dt.date.fromisoformat(typed))
    except ValueError:
        return "—"


def _cause(file: File) -> str:
    found = Category.objects.filter(pk=file.case.category).first()
    return f"{found.name}纠纷" if found else "—"


def _place(file: File) -> str:
    code = file.case.area_code
    return place_words(code, area_names([code]), code[:4])


def _who(one: rules.Party) -> str:
    parts = [one.name, f"电话：{one.phone}" if one.phone else ""]
    parts += [f"住址：{one.household}" if one.household else ""]
    parts += [f"工作单位：{one.unit}" if one.unit else ""]
    parts += [f"陪同人：{one.helper}" if one.helper else ""]
    return "　".join(filter(None, parts))


def _parties(file: File) -> list[tuple[str, str]]:
    names = {1: "申请人", 2: "被申请人"}
    return [(names.get(n, f"当事人{n}"), _who(one)) for n, one in sorted(file.parties.items())]


def _names(file: File, numbers: list[int]) -> str:
    return "、".join(file.parties[n].name for n in numbers if n in file.parties) or "—"


def _mediator(file: File) -> str:
    return acts.mediator_name(file.mediator) or "—"


def _signing(file: File, day: str, *, mediator: bool = True) -> Signature:
    places = [name for name, _said in _parties(file)]
    if mediator:
        places.append("人民调解员")
    return Signature(directory().name_of(file.case.unit_code), day, tuple(places))


def _agreement(file: File) -> Agreement:
    if file.agreement is None:
        raise KeyError("agreement")
    return file.agreement


def _plan(agreed: Agreement, *, with_state: bool = False) -> Table:
    """What is due when; with_state: and how it was performed, which no agreement says."""
    columns = (Column("序号", 0.5), Column("履行期限", 1.4), Column("履行内容", 3.6))
    rows = [((str(n), _day(item.due_on), item.what), KEPT[kept]) for n, item, kept in agreed.items]
    if not with_state:
        return Table("履行期限", columns, tuple(row for row, _kept in rows))
    return Table(
        "履行情况", (*columns, Column("情况", 1)), tuple((*row, kept) for row, kept in rows)
    )


# -- the ten ----------------------------------------------------------------------------------


def _application(file: File, _at: dt.datetime) -> list[Block]:
    opened = local_day(file.case.opened_at)
    return [
        Facts((*_parties(file), ("纠纷类型", _cause(file)), ("纠纷发生地", _place(file)))),
        Paragraph("申请人请求人民调解委员会对上述纠纷进行调解。申请人知道：调解自愿、免费，"
                  "任何一方都可以随时要求终止，不影响依法申请仲裁或者起诉。"),
        Signature("申请人（签名、盖章或者按指印）", _day(opened)),
    ]  # fmt: skip


def _register(file: File, _at: dt.datetime) -> list[Block]:
    split = file.last("split")
    return [
        Facts(
            (
                ("收到时间", _moment(file.case.opened_at)),
                ("来源", SOURCES.get(file.source, file.source)),
                *_parties(file),
                ("纠纷类型", _cause(file)),
                ("轻重等级", WEIGHTS.get(file.seriousness, "—")),
                ("发生地", _place(file)),
                ("分流时间", _moment(split.at) if split else "—"),
                ("承办组织", directory().name_of(file.case.unit_code)),
                ("解纷码", file.case.query_code),
            )
        ),
        Signature(directory().name_of(file.case.unit_code), _day(local_day(file.case.opened_at)),
                  ("登记人",)),
    ]  # fmt: skip


def _rights(file: File, _at: dt.datetime) -> list[Block]:
    begun = file.last("begin")
    return [
        Paragraph("各方当事人在人民调解活动中享有下列权利：", indented=False),
        *(Paragraph(line) for line in RIGHTS),
        Paragraph("各方当事人应当履行下列义务：", indented=False),
        *(Paragraph(line) for line in DUTIES),
        Facts((("人民调解员", _mediator(file)), ("已告知", _names(file, file.told)))),
        Paragraph("以上内容已向我们说明，我们知悉并自愿接受调解。"),
        _signing(file, _day(local_day(begun.at)) if begun else _day(None)),
    ]


def _record(file: File, _at: dt.datetime) -> list[Block]:
    blocks: list[Block] = []
    for number, at, page in file.statements:
        blocks += [
            Heading(f"调查笔录（{file.parties[number].name}）"),
            Facts((("时间", _moment(at)), ("陈述", page.get("words", "")))),
        ]
    for sitting in file.sittings:
        blocks += [
            Heading(f"第{sitting.number}次调解笔录"),
            Facts(
                (
                    ("日期", _day(sitting.on)),
                    ("方式", WAYS.get(sitting.way, sitting.way)),
                    ("地点或链接", sitting.page.get("where", "")),
                    ("时长", f"{sitting.page.get('minutes', '—')}分钟"),
                    ("到场当事人", _names(file, sitting.attended)),
                    ("人民调解员", _mediator(file)),
                )
            ),
            Paragraph(sitting.page.get("record", "")),
        ]
    for proposal in file.proposals:
        said = "；".join(
            f"{file.parties[n].name}：{ANSWERS[answer]}"
            for n, answer in sorted(proposal.answers.items()) if n in file.parties
        )  # fmt: skip
        blocks += [
            Heading(f"调解方案（{proposal.number}）"),
            Facts((("提出时间", _moment(proposal.at)), ("方案", proposal.page.get("words", "")),
                   ("答复", said or "—"))),
        ]  # fmt: skip
    return [*blocks, Note("以上笔录经当事人核对无误。"), _signing(file, _day(None))]


def _terms(agreed: Agreement) -> list[Block]:
    page = agreed.page
    return [
        Heading("纠纷的主要事实、争议事项以及各方当事人的责任"),
        Paragraph(page.get("facts", "")),
        Paragraph(f"争议事项：{page.get('disputed', '')}"),
        Paragraph(f"责任：{page.get('responsibility', '')}"),
        Heading("当事人达成调解协议的内容"),
        Paragraph(page.get("content", "")),
        Heading("履行的方式、期限"),
        Paragraph(page.get("manner", "")),
        _plan(agreed),
    ]


def _written(file: File, _at: dt.datetime) -> list[Block]:
    agreed = _agreement(file)
    page = agreed.page
    signed = [
        f"{file.parties[n].name} {_said_day(page.get(f'signed_{n}', ''))}"
        + ("（本人在线签名）" if str(n) in page.get("online", "").split(",") else "")
        for n in agreed.signed
        if n in file.parties
    ]
    signed.append(f"人民调解员 {_said_day(page.get('mediator_on', ''))}")
    return [
        Heading("当事人的基本情况"),
        Facts(tuple(_parties(file))),
        *_terms(agreed),
        Facts(
            (
                ("签名日", "；".join(signed)),
                ("印章及生效", f"{_said_day(page.get('sealed_on', ''))}加盖印章，"
                 f"{_day(agreed.effective_on)}生效"),
            )
        ),
        Note(f"本协议一式{len(file.parties) + 1}份，当事人各执一份，人民调解委员会留存一份。"
             f"当事人可以在{_day(agreed.confirm_by)}前（含当日）共同向人民法院申请司法确认；"
             "经确认有效的，一方不履行，对方可以申请强制执行。"),
        _signing(file, _day(agreed.effective_on)),
    ]  # fmt: skip


def _oral(file: File, _at: dt.datetime) -> list[Block]:
    agreed = _agreement(file)
    return [
        Facts((*_parties(file), ("纠纷类型", _cause(file)),
               ("达成日期", _day(agreed.effective_on)), ("人民调解员", _mediator(file)))),
        *_terms(agreed),
        Note("口头协议自各方当事人达成协议之日起生效，由人民调解员记录协议内容。"),
        Signature(directory().name_of(file.case.unit_code), _day(agreed.effective_on),
                  ("人民调解员（签名）",)),
    ]  # fmt: skip


def _ending(file: File, _at: dt.datetime) -> list[Block]:
    ground, party, told, at = file.end or ("", 0, [], file.case.changed_at)
    facts = [*_parties(file), ("终止时间", _moment(at)), ("终止原因", GROUNDS.get(ground, "—"))]
    if party in file.parties:
        facts.append(("提出人", file.parties[party].name))
    return [
        Facts(tuple(facts)),
        Paragraph("本次人民调解终止。您可以依法通过下列途径维护自己的权利：", indented=False),
        *(Paragraph(line) for line in ADVICE),
        Facts((("已告知", _names(file, told)),)),
        _signing(file, _day(local_day(at))),
    ]


def _revisits(file: File, _at: dt.datetime) -> list[Block]:
    blocks: list[Block] = []
    for n, (party, at, kept, page) in enumerate(file.visits, start=1):
        blocks += [
            Heading(f"第{n}次回访"),
            Facts(
                (
                    ("时间", _moment(at)),
                    ("回访对象", _names(file, [party])),
                    ("履行情况", KEPT.get(kept, kept)),
                    ("当事人反映", page.get("words", "")),
                )
            ),
        ]
    if file.agreement is not None:
        blocks.append(_plan(file.agreement, with_state=True))
    last = local_day(file.visits[-1][1]) if file.visits else None
    return [*blocks, Signature(directory().name_of(file.case.unit_code), _day(last),
                               ("回访人", "回访对象"))]  # fmt: skip


def _confirmation(file: File, _at: dt.datetime) -> list[Block]:
    agreed = _agreement(file)
    return [
        Facts(tuple((f"申请人{n}", _who(one)) for n, one in sorted(file.parties.items()))),
        Paragraph("请求事项：依法确认申请人之间达成的人民调解协议有效。"),
        Facts(
            (
                ("调解组织", directory().name_of(file.case.unit_code)),
                ("调解协议编号", file.case.number),
                ("协议生效日", _day(agreed.effective_on)),
                ("申请期间", f"自生效之日起三十日内，最后一日为{_day(agreed.confirm_by)}"),
            )
        ),
        Paragraph("申请人共同承诺：达成协议出于自愿，没有恶意串通、规避法律，协议内容不损害国家利益、"
                  "社会公共利益和他人合法权益；如因此造成损害，愿意承担相应责任。"),
        Paragraph("此致", indented=False),
        Paragraph(f"{_county(file)}人民法院", indented=False),
        Signature("申请人（共同签名、盖章或者按指印）", _day(file.asked_court_on),
                  tuple(one.name for _n, one in sorted(file.parties.items()))),
        Note("附：人民调解协议书、调解组织主持调解的证明、与调解协议相关的材料。"),
    ]  # fmt: skip


def _county(file: File) -> str:
    code = file.case.area_code[:6]
    return area_names([code]).get(code, "")


def _cover(file: File, at: dt.datetime) -> list[Block]:
    agreed = file.agreement
    outcome = "达成协议" if agreed else GROUNDS.get(file.end[0], "") if file.end else "调解中"
    listed = [one for one in ready(file) if one.name != "cover"]
    return [
        Facts(
            (
                ("卷宗名称", f"{_names(file, sorted(file.parties))}{_cause(file)}"),
                ("卷号", file.case.number),
                ("调解组织", directory().name_of(file.case.unit_code)),
                ("人民调解员", _mediator(file)),
                ("受理日期", _day(local_day(file.case.opened_at))),
                ("调解日期", "、".join(_day(s.on) for s in file.sittings) or "—"),
                ("结果", outcome),
                ("协议生效日", _day(agreed.effective_on) if agreed else "—"),
                ("司法确认", {"confirmed": "已确认", "refused": "不予确认", "withdrawn": "已撤回"}
                 .get(file.ruling, "已申请" if file.asked_court_on else "未申请")),
                ("立卷日期", _day(local_day(at))),
                ("保管期限", "短期　　长期"),
            )
        ),
        Table(
            "卷内目录",
            (Column("序号", 0.5), Column("文件名称", 3.2), Column("页次", 0.8), Column("备注", 1)),
            tuple((str(n), one.label, "", "密封" if one.name in SEALED else "")
                  for n, one in enumerate(listed, start=1)),
        ),
        Signature(directory().name_of(file.case.unit_code), _day(local_day(at)), ("立卷人",)),
    ]  # fmt: skip


Write = Callable[[File, dt.datetime], list[Block]]
There = Callable[[File], bool]
SEALED = frozenset({"record", "revisit"})
PAPERS: dict[str, tuple[str, There, Write]] = {
    "cover": ("人民调解卷宗封面及目录", lambda _file: True, _cover),
    "application": ("人民调解申请书", lambda _file: True, _application),
    "register": ("人民调解受理登记表", lambda file: bool(file.seriousness), _register),
    "rights": ("人民调解权利义务告知书", lambda file: bool(file.mediator), _rights),
    "record": (
        "人民调解调查、调解笔录",
        lambda file: bool(file.statements or file.sittings or file.proposals),
        _record,
    ),
    "agreement": (
        "人民调解协议书",
        lambda file: file.agreement is not None and file.agreement.form == "written",
        _written,
    ),
    "oral": (
        "人民调解口头协议登记表",
        lambda file: file.agreement is not None and file.agreement.form == "oral",
        _oral,
    ),
    "ending": ("人民调解终止告知书", lambda file: file.end is not None, _ending),
    "revisit": ("人民调解回访记录", lambda file: bool(file.visits), _revisits),
    "confirmation": (
        "司法确认申请书", lambda file: file.agreement is not None, _confirmation,
    ),
}  # fmt: skip
