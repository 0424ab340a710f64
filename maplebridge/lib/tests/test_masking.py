"""What points to a person is hidden in words; what does not stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.lib.masking import mask, mask_name, mask_phone

DIVISIONS = Path(__file__).resolve().parents[2] / "organisation/seed/quzhou_divisions.csv"

HIDDEN = {
    # Names by the words around them.
    "我叫王小明，住在村口": "我叫王**，住在村口",
    "我叫欧阳小红。": "我叫欧阳**。",
    "联系人：李红": "联系人：李*",
    "姓名:王路": "姓名:王*",
    "户主陈大伟不同意": "户主陈**不同意",
    "村民王明把垃圾倒在路边": "村民王*把垃圾倒在路边",
    "李建国先生家漏水": "李**先生家漏水",
    "王小明，电话见下": "王**，电话见下",
    "我叫阿依古丽·买买提": "我叫阿***·***",
    # Telephones, in the ways people write them.
    "打13812345678": "打138****5678",
    "打138-1234-5678": "打138-****-5678",
    "打138 1234 5678": "打138 **** 5678",
    "打+8613812345678": "打+86138****5678",
    "打１３８１２３４５６７８": "打１３８****５６７８",
    "打0570-8881234": "打0570-*****34",
    "电话8881234": "电话88***34",
    # Identity numbers, also with a wrong check digit, and of fifteen digits.
    "证号330825199001010011": "证号330***********0011",
    "证号33082519900101001X": "证号330***********001X",
    "证号11010519491231002x": "证号110***********002x",
    "证号330825900101001": "证号330********1001",
    # Plates, cards, mail.
    "浙H·12345": "浙H·***45",
    "浙H12345": "浙H***45",
    "浙HD12345": "浙H****45",
    "浙h12345d": "浙h****5d",
    "浙H1234挂": "浙H***4挂",
    "卡6222021234567890123": "卡6222***********0123",
    "卡4539 1488 0343 6467": "卡4539 **** **** 6467",
    "写信a.bc@example.com": "写信a***@example.com",
}

ORDINARY = (
    "2026-11-23", "2026年11月23日", "20261123", "08:45", "330825-20261122-7K3M9Q",
    "330825-20261122-123456", "3308-20261122-222333", "13812345678元", "138000.50元", "¥1500",
    "330825209201001", "330825209-room", "12345", "110", "400-800-1234", "118.93, 29.08",
    "3栋2单元501室", "沪G60高速", "王先生", "张某某", "李某", "我是张家村的村民", "居民高度重视",
    "叫人来修", "业主和物业", "找有关部门", "学生方便", "本人曾多次反映", "楼下住户",
    "感谢胡书记", "项目经理", "班主任老师", "污水漫到路上", "居民代表", "村民都说", "老板不管",
    "这是何道理", "负责人不在", "电话打不通", "路灯不亮", "第15号文件",
)  # fmt: skip


@pytest.mark.parametrize(("said", "shown"), HIDDEN.items())
def test_what_points_to_a_person_is_hidden(said: str, shown: str) -> None:
    assert mask(said) == shown


@pytest.mark.parametrize("said", ORDINARY)
def test_ordinary_words_stay_as_they_are(said: str) -> None:
    assert mask(said) == said


@given(st.lists(st.sampled_from(ORDINARY), max_size=12))
def test_ordinary_words_stay_in_whatever_order(said: list[str]) -> None:
    text = "，".join(said)
    assert mask(text) == text


PIECES = st.one_of(
    st.sampled_from([*HIDDEN, *HIDDEN.values(), *ORDINARY]),
    st.text(st.sampled_from("0123456789 -*.王李我叫是浙HD先生电话@xX某·"), max_size=24),
    st.text(max_size=8),
)


@given(st.lists(PIECES, max_size=6))
def test_a_second_time_changes_nothing_and_the_length_is_kept(said: list[str]) -> None:
    text = "".join(said)
    masked = mask(text, ["王小明"], ["0570-8881234"])
    assert len(masked) == len(text)
    assert mask(masked, ["王小明"], ["0570-8881234"]) == masked
    assert all(shown in (before, "*") for before, shown in zip(text, masked, strict=True))


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from("，。 号为:是"))
def test_every_mobile_number_is_hidden(number: str, sign: str) -> None:
    assert mask(f"电话{sign}{number}。") == f"电话{sign}{number[:3]}****{number[-4:]}。"


def test_no_code_of_an_area_is_taken_for_a_person() -> None:
    codes = [line.split(",")[0] for line in DIVISIONS.read_text(encoding="utf8").splitlines()[1:]]
    grids = [f"{code}{end}" for code in codes if len(code) == 12 for end in ("001", "017", "111")]
    assert len(grids) > 3000
    text = "\n".join([*codes, *grids])
    assert mask(text) == text


def test_whoever_is_known_is_hidden_wherever_the_name_stands() -> None:
    said = "小明家门口，王 小明家的车，电话8 8 8-1234"
    assert mask(said, ["王小明"], ["8881234"]) == "小明家门口，王 **家的车，电话8 8 *-**34"
    assert mask("甲乙丙丁", ["", "甲"], [""]) == "甲乙丙丁"


def test_a_name_and_a_number_of_their_own() -> None:
    assert [mask_name(n) for n in ("王小明", "王", "", "John Smith")] == [
        "王**",
        "王",
        "",
        "J*** *****",
    ]
    said = ("13812345678", "+86 138 1234 5678", "0570-8881234", "888123")
    shown = ["138****5678", "+86 138 **** 5678", "0570-*****34", "8*****"]
    assert [mask_phone(number) for number in said] == shown
    assert mask_phone("无") == "无"


def test_a_long_text_takes_no_time() -> None:
    import time

    text = (
        "我叫王小明，1381234 5678，a@b 浙H12345 330825199001010011" * 2000
        + "1" * 50_000
        + "a" * 50_000
    )
    begun = time.monotonic()
    assert len(mask(text)) == len(text)
    assert time.monotonic() - begun < 5
