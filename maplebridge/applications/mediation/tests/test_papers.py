"""The papers of a file: each there when the file has come so far, whole, and set as PDF."""

from __future__ import annotations

import pytest

from maplebridge.applications.mediation import files, papers, story
from maplebridge.cases.models import Case
from maplebridge.lib import papers as setting
from maplebridge.lib.clock import now
from maplebridge.lib.papers import Facts, Paper, Paragraph, Table

pytestmark = pytest.mark.django_db
TEN = ("cover", "application", "register", "rights", "record", "agreement", "oral", "ending",
       "revisit", "confirmation")  # fmt: skip


def words_of(paper: Paper) -> str:
    said: list[str] = [paper.title]
    for block in paper.blocks:
        if isinstance(block, Paragraph):
            said.append(block.text)
        elif isinstance(block, Facts):
            said += [f"{name}：{value}" for name, value in block.rows]
        elif isinstance(block, Table):
            said += [" ".join(row) for row in block.rows]
    return "\n".join(said)


@pytest.fixture
def file(town):
    told = story.tell(lambda _said, _at: None)
    return files.read(Case.objects.get(number=told["number"]), opened=True)


def test_a_file_has_the_papers_it_has_come_to(file):
    assert tuple(papers.PAPERS) == TEN
    names = [one.name for one in papers.ready(file)]
    assert names == [name for name in TEN if name not in ("oral", "ending")]
    cover = papers.paper("cover", file, now())
    index = next(block for block in cover.blocks if isinstance(block, Table))
    assert [row[1] for row in index.rows] == [
        papers.PAPERS[name][0] for name in names if name != "cover"
    ]


def test_the_agreement_says_all_of_article_29_and_the_application_the_last_day(file):
    said = words_of(papers.paper("agreement", file, now()))
    for word in ("申请人：周家老大", "被申请人：徐家大嫂", "屋檐伸出墙外", "争议事项：",
                 "责任：双方各有责任", "收短屋檐三十厘米", "当面结清", "结清修墙费用"):  # fmt: skip
        assert word in said, word
    assert "已履行" not in said
    assert file.agreement is not None
    last = file.agreement.confirm_by
    asked = words_of(papers.paper("confirmation", file, now()))
    assert f"最后一日为{last.year}年{last.month}月{last.day}日" in asked
    assert "龙游县人民法院" in asked
    record = papers.paper("record", file, now())
    assert record.mark == "密封"
    assert "二十年前" in words_of(record)


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_every_paper_is_set(file, form):
    file.end = ("apart", 0, [1, 2], now())
    begins = {"pdf": b"%PDF", "docx": b"PK"}[form]
    for name in TEN:
        assert setting.render(papers.paper(name, file, now()), form).startswith(begins), name
    assert "12348" in words_of(papers.paper("ending", file, now()))
