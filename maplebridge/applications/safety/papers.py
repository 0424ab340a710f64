"""The papers of a hazard, each made from the event that it tells of.

They are papers of a Chinese office for the premises that have to mend, so they are in Chinese
whatever the reader's language is, and nothing in them tells who reported.
Source: Work Safety Law (安全生产法) of 2021, articles 41, 65, 68 and 70.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maplebridge.applications.safety.manifest import EXTENTS, WEIGHTS
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, Event, Payload
from maplebridge.cases.reporters import without_reporter
from maplebridge.insight.paper_words import area_names, place_words
from maplebridge.journey.models import Category
from maplebridge.lib.clock import CHINA, local_day
from maplebridge.lib.papers import Block, Facts, Note, Paper, Paragraph, Signature
from maplebridge.organisation.people import Role
from maplebridge.organisation.units import directory

KIND = "hazard"
LAW = "《中华人民共和国安全生产法》"
GRAVITY = dict(zip((code for code, _l in WEIGHTS), ("一般事故隐患", "重大事故隐患"), strict=True))
PARTLY = dict(zip((code for code, _l in EXTENTS), ("局部", "全部"), strict=True))
# Source: Administrative Reconsideration Law of 2023, article 20; Administrative Litigation Law,
# article 46; neither stops what was ordered.
REMEDY = (
    "如对本决定不服，可以自收到之日起六十日内依法向{county}人民政府申请行政复议，或者自收到之日起"
    "六个月内依法向有管辖权的人民法院提起行政诉讼；复议、诉讼期间不停止执行，法律另有规定的除外。"
)


@dataclass(frozen=True)
class Ready:
    """A paper that a hazard has now. name: as in its address; at: when its event was."""

    name: str
    label: str
    at: dt.datetime


@dataclass(frozen=True)
class File:
    """A hazard's events and the words said in them, freed of who reported.

    premises: where it was found; empty leaves room to write it by hand.
    """

    case: Case
    events: list[Event]
    contents: dict[int, dict[str, Any]]
    hide: Callable[[str], str]
    premises: str = ""

    def said(self, event: Event, name: str) -> str:
        """Free words of an event, or a dash."""
        return self.hide(str(self.contents.get(event.sequence, {}).get(name, ""))) or "—"

    def last(self, move: str, before: Event) -> Event | None:
        """The newest event of a move up to another event."""
        found = (e for e in self.events if e.move == move and e.sequence <= before.sequence)
        return max(found, key=lambda event: event.sequence, default=None)


def read(case: Case, premises: str = "") -> File:
    """The file of a hazard that the reader sees in full; three statements.

    Raises reporters.Unreadable when the words cannot be freed of who reported.
    """
    pages = Payload.objects.filter(case_id=case.pk, part="words")
    return File(
        case,
        list(Event.objects.filter(case_id=case.pk).order_by("sequence")),
        {page.sequence: page.content or {} for page in pages},
        without_reporter(case.pk),
        premises,
    )


def ready(file: File) -> list[Ready]:
    """The papers that a hazard has so far, in the order of its events; none of a confidential one.

    Each is of one event: a hazard that was looked at again twice has two opinions.
    """
    if file.case.confidentiality == Confidentiality.C2:
        return []
    found: list[Ready] = []
    for event in file.events:
        for name, (move, label, _write) in PAPERS.items():
            if event.move == move:
                found.append(Ready(f"{name}-{event.sequence}", label, event.at))
    return found


def paper(name: str, file: File) -> Paper:
    """One paper by the name that `ready` gave it. Raises KeyError for one that is not there."""
    if name not in {one.name for one in ready(file)}:
        raise KeyError(name)
    sort, _dash, sequence = name.rpartition("-")
    _move, label, write = PAPERS[sort]
    event = next(one for one in file.events if one.sequence == int(sequence))
    issuer = directory().name_of(event.unit_code)
    return Paper(
        title=label, issuer=issuer, blocks=tuple(write(file, event)),
        number=f"{file.case.number}-{sequence}", day=_day(local_day(event.at)),
        mark="模拟" if file.case.synthetic else "",
        foot="本文书一式两份，一份交生产经营单位，一份由签发机关存档。",
        page="第 {n} 页　共 {of} 页",
    )  # fmt: skip


# -- what papers share ------------------------------------------------------------------------


def _day(day: dt.date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "　　年　　月　　日"


def _moment(at: dt.datetime) -> str:
    local = at.astimezone(CHINA)
    return f"{_day(local.date())}{local:%H:%M}"


def _date(event: Event | None, name: str) -> str:
    said = event.facts.get(name) if event else None
    return _day(dt.date.fromisoformat(said)) if said else "—"


def _place(file: File) -> str:
    code = file.case.area_code
    return place_words(code, area_names([code]), code[:4])


def _county(file: File) -> str:
    code = file.case.area_code[:6]
    return area_names([code]).get(code, "本级")


def _category(file: File) -> str:
    found = Category.objects.filter(pk=file.case.category).first()
    return found.name if found else "—"


def _weight(event: Event | None) -> str:
    return GRAVITY.get(str(event.facts.get("weight", "")), "—") if event else "—"


def _found(file: File) -> str:
    """What was found: the inspector's words; of a report by somebody else nothing but its kind."""
    first = file.events[0]
    if first.role in (Role.RESIDENT, Role.SYSTEM):
        return f"{_category(file)}（据群众反映核实；反映人的情况依法保密）"
    return file.said(first, "text")


def _about(file: File, event: Event) -> list[tuple[str, str]]:
    """What stands at the head of every paper."""
    noticed = file.last("notice", event)
    rows = [
        ("被检查单位", file.premises or "　" * 14),
        ("所在地", _place(file)),
        ("隐患编号", file.case.number),
        ("隐患类别", _category(file)),
        ("隐患等级", _weight(noticed)),
    ]
    if noticed is not None:
        rows.append(("整改责任人", file.said(noticed, "responsible")))
    return rows


def _yuan(event: Event) -> str:
    said = event.facts.get("money_yuan")
    return f"{int(said):,} 元" if said is not None else "—"


def _signing(file: File, event: Event, *places: str) -> Signature:
    unit = directory().name_of(event.unit_code)
    return Signature(unit, _day(local_day(event.at)), places)


def _remedy(file: File) -> Note:
    return Note(REMEDY.format(county=_county(file)))


# -- the papers -------------------------------------------------------------------------------


def _check(file: File, event: Event) -> list[Block]:
    return [
        Facts(
            (
                *_about(file, event),
                ("检查时间", _moment(event.at)),
                ("检查单位", directory().name_of(event.unit_code)),
            )
        ),
        Paragraph("我们是依法负有安全生产监督管理职责的部门的检查人员，已向你单位出示执法证件，"
                  "现依法对你单位进行现场检查，请予以配合。"),
        Facts(
            (
                ("检查发现", _found(file)),
                ("处理情况", f"责令限期整改，期限至{_date(event, 'dispose_on')}。"),
                ("整改前防范", file.said(event, "plan")),
            )
        ),
        Note(f"依据{LAW}第六十八条：检查的时间、地点、内容、发现的问题及其处理情况应当作出书面记录，"
             "由检查人员和被检查单位的负责人签字；拒绝签字的，检查人员应当将情况记录在案并报告。"),
        _signing(file, event, "检查人员（两人）及证号", "被检查单位现场负责人"),
    ]  # fmt: skip


def _order(file: File, event: Event) -> list[Block]:
    return [
        Facts(tuple(_about(file, event))),
        Paragraph("经检查，你单位存在上述事故隐患。"
                  f"依据{LAW}第四十一条和第六十五条第一款第二项、第三项，现责令你单位按下列要求整改，"
                  "做到措施、责任、资金、时限、预案五落实："),
        Facts(
            (
                ("一、措施", file.said(event, "measures")),
                ("二、责任", file.said(event, "responsible")),
                ("三、资金", _yuan(event)),
                ("四、时限", f"{_date(event, 'dispose_on')}前（含当日）整改完毕"),
                ("五、预案", file.said(event, "plan")),
            )
        ),
        Paragraph("整改期限届满前，请将整改结果书面报告我单位，我们将依法组织复查。"
                  "整改期间应当采取有效的安全防范措施，防止发生事故；逾期不整改或者整改不到位的，"
                  "依法移送有关执法部门处理。"),
        _remedy(file),
        _signing(file, event, "检查人员（两人）及证号", "被检查单位负责人（签收）"),
    ]  # fmt: skip


def _stop(file: File, event: Event) -> list[Block]:
    extent = PARTLY.get(str(event.facts.get("extent", "")), "")
    return [
        Facts(
            (
                *_about(file, event),
                ("停止范围", f"{extent}停产停业（停止使用）"),
                ("停止理由", file.said(event, "reason")),
                ("复看日期", _date(event, "review_on")),
            )
        ),
        Paragraph("你单位的上述事故隐患，在排除前或者排除过程中无法保证安全。"
                  f"依据{LAW}第六十五条第一款第三项，现决定：自收到本决定书之时起，"
                  f"从危险区域内撤出作业人员，{extent}暂时停产停业或者停止使用相关设施、设备。"),
        Paragraph("隐患排除后，经审查同意，方可恢复生产经营和使用；未经审查同意，任何人不得恢复。"),
        _remedy(file),
        _signing(file, event, "检查人员（两人）及证号", "被检查单位负责人（签收）"),
    ]  # fmt: skip


def _resume(file: File, event: Event) -> list[Block]:
    stopped = file.last("stop_work", event)
    when = _moment(stopped.at) if stopped else "—"
    return [
        Facts(
            (
                *_about(file, event),
                ("停产决定", when),
                ("审查时间", _moment(event.at)),
                ("审查单位", directory().name_of(event.unit_code)),
                ("现场所见", file.said(event, "evidence")),
            )
        ),
        Paragraph(f"依据{LAW}第六十五条第一款第三项，经审查，同意你单位恢复生产经营和使用。"
                  "限期整改的其他要求和期限不变，恢复后应当继续落实安全防范措施。"),
        _signing(file, event, "审查人员（两人）", "被检查单位负责人（签收）"),
    ]  # fmt: skip


def _reinspection(file: File, event: Event, opinion: str) -> list[Block]:
    ordered, mended = file.last("notice", event), file.last("mend", event)
    return [
        Facts(
            (
                *_about(file, event),
                ("整改期限", _date(ordered, "dispose_on")),
                ("报告时间", _moment(mended.at) if mended else "—"),
                ("报告内容", file.said(mended, "result") if mended else "—"),
                ("报告单位", directory().name_of(mended.unit_code) if mended else "—"),
                ("复查时间", _moment(event.at)),
                ("复查单位", directory().name_of(event.unit_code)),
                ("现场所见", file.said(event, "evidence")),
            )
        ),
        Paragraph(f"复查意见：{opinion}"),
        Note("复查由报告整改完成的单位以外的人员进行，本单位不得复查本单位报告的整改。"
             f"依据{LAW}第四十一条、第六十五条。"),
        _signing(file, event, "复查人员（两人）", "被检查单位负责人"),
    ]  # fmt: skip


def _passed(file: File, event: Event) -> list[Block]:
    return _reinspection(file, event, "隐患已整改到位，同意报请销号。")


def _failed(file: File, event: Event) -> list[Block]:
    return _reinspection(file, event, "隐患未整改到位，退回继续整改，整改期限不变。")


def _listing(file: File, event: Event) -> list[Block]:
    ordered = file.last("notice", event)
    return [
        Facts(
            (
                *_about(file, event),
                ("督办单位", directory().name_of(event.unit_code)),
                ("公布日期", _date(event, "published_on")),
                ("督办理由", file.said(event, "reason")),
                ("治理措施", file.said(ordered, "measures") if ordered else "—"),
                ("治理期限", _date(ordered, "dispose_on")),
            )
        ),
        Paragraph(f"依据{LAW}第四十一条，决定对上述重大事故隐患挂牌督办并向社会公布。"
                  "请按治理方案组织治理；治理完成后由我单位组织复查，合格后予以摘牌。"),
        _signing(file, event, "承办人", "被督办单位负责人（签收）"),
    ]  # fmt: skip


def _delisting(file: File, event: Event) -> list[Block]:
    listed, seen = file.last("list_publicly", event), file.last("reinspect_pass", event)
    return [
        Facts(
            (
                *_about(file, event),
                ("挂牌时间", _moment(listed.at) if listed else "—"),
                ("复查合格", _moment(seen.at) if seen else "—"),
                ("摘牌理由", file.said(event, "reason")),
            )
        ),
        Paragraph("上述重大事故隐患经治理和复查合格，决定解除挂牌督办，予以摘牌。"),
        _signing(file, event, "承办人"),
    ]


def _handing(file: File, event: Event) -> list[Block]:
    units = "、".join(directory().name_of(str(code)) for code in event.facts.get("units", []))
    ordered = file.last("notice", event)
    return [
        Facts(
            (
                *_about(file, event),
                ("责令整改", _moment(ordered.at) if ordered else "—"),
                ("整改期限", _date(ordered, "dispose_on")),
                ("抄告单位", units or "—"),
                ("抄告理由", file.said(event, "reason")),
            )
        ),
        Paragraph(f"依据{LAW}第六十五条和第七十条，现将上述事故隐患抄告你单位，请依法处理，"
                  "并将处理结果书面告知我单位。"),
        _signing(file, event, "承办人"),
    ]  # fmt: skip


def _written_off(file: File, event: Event) -> list[Block]:
    ordered, seen = file.last("notice", event), file.last("reinspect_pass", event)
    stopped, listed = file.last("stop_work", event), file.last("list_publicly", event)
    looked = sum(e.move in ("reinspect_pass", "reinspect_fail") for e in file.events)
    return [
        Facts(
            (
                *_about(file, event),
                ("登记时间", _moment(file.case.opened_at)),
                ("责令整改", _moment(ordered.at) if ordered else "—"),
                ("停产停业", _moment(stopped.at) if stopped else "没有"),
                ("挂牌督办", _moment(listed.at) if listed else "没有"),
                ("复查", f"{looked}次，合格于{_moment(seen.at)}" if seen else "—"),
                ("复查单位", directory().name_of(seen.unit_code) if seen else "—"),
                ("现场所见", file.said(seen, "evidence") if seen else "—"),
            )
        ),
        Paragraph("上述事故隐患已整改到位并经复查合格，予以销号。"
                  "十二个月内同一场所再次出现同类隐患的，按重复隐患从严处理。"),
        _signing(file, event, "销号人"),
    ]  # fmt: skip


Write = Callable[[File, Event], list[Block]]
# By the first part of its address: the move it tells of, its title, and what stands in it.
PAPERS: dict[str, tuple[str, str, Write]] = {
    "check": ("notice", "现场检查记录", _check),
    "order": ("notice", "责令限期整改指令书", _order),
    "stop": ("stop_work", "现场处理措施决定书", _stop),
    "resume": ("resume_work", "恢复生产经营（使用）通知书", _resume),
    "listing": ("list_publicly", "重大事故隐患挂牌督办通知书", _listing),
    "handing": ("call_enforcement", "事故隐患抄告函", _handing),
    "passed": ("reinspect_pass", "整改复查意见书", _passed),
    "failed": ("reinspect_fail", "整改复查意见书", _failed),
    "delisting": ("delist", "重大事故隐患摘牌通知书", _delisting),
    "writing-off": ("write_off", "事故隐患整改销号单", _written_off),
}
