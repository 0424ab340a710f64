"""What is learned is judged on files it was not learned from; a bad file gets its sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from maplebridge.config.commands.evaluate import command
from maplebridge.config.measures.handled import HANDLED_COLUMNS
from maplebridge.config.measures.judged import calibration_error

HEAD = ",".join(HANDLED_COLUMNS)
WET = "2026-03-{day:02d} 08:00:00,电话,投诉,水务,排水,积水,东河街道,溪口社区,排水公司,{outcome}"
LOUD = "2026-03-{day:02d} 09:00:00,电话,投诉,环保,噪声,工地噪声,东河街道,溪口社区,环保局,on_time"


def rows(days: int = 28, outcomes: tuple[str, ...] = ("overdue", "on_time")) -> list[str]:
    return [
        line.format(day=day, outcome=outcomes[day % len(outcomes)])
        for day in range(1, days + 1)
        for line in (WET, LOUD)
    ]


def written(folder: Path, lines: list[str], head: str = HEAD, encoding: str = "utf-8") -> Path:
    file = folder / "pingshan_cases_2018.csv"
    file.write_bytes("\n".join([head, *lines, ""]).encode(encoding))
    return file


def judge(folder: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    done = CliRunner().invoke(command, ["route", "--data", str(folder), "--json", *more])
    figures = json.loads(done.stdout.splitlines()[-1]) if done.exit_code == 0 else {}
    return done.exit_code, figures, done.stderr


def test_what_follows_a_rule_is_found_wholly(tmp_path: Path) -> None:
    written(tmp_path, rows())
    code, figures, _said = judge(tmp_path)
    assert code == 0
    assert {name: figures[name] for name in ("n", "top1", "top3", "units", "without_unit")} == {
        "n": 17,
        "top1": 1.0,
        "top3": 1.0,
        "units": 2,
        "without_unit": 0,
    }
    assert figures["interval"]["top1"] == [1.0, 1.0]
    assert figures["seed"] == 20190711
    # Every wet matter is as likely late as not, no loud one is.
    assert figures["auc"] == pytest.approx(0.75, abs=0.1)


def test_week_by_week_a_new_unit_is_learned(tmp_path: Path) -> None:
    april = [line.replace("-03-", "-04-").replace("环保局", "综合执法队") for line in rows()]
    written(tmp_path, [*rows(), *april])
    _code, figures, _said = judge(tmp_path, "--weekly")
    assert figures["top1"] < figures["top1_weekly"] < 1.0


def test_another_file_judges(tmp_path: Path) -> None:
    written(tmp_path, rows())
    (tmp_path / "other").mkdir()
    other = written(
        tmp_path / "other", [LOUD.format(day=3).replace("环保局", "别的局"), *rows(2)], "﻿" + HEAD
    )
    code, figures, _said = judge(tmp_path, "--test", str(other))
    assert (code, figures["n"], figures["top1"]) == (0, 5, 0.8)


@pytest.mark.parametrize(
    ("lines", "head", "encoding", "said"),
    [
        (["bad"], HEAD, "utf-8", "line 2: "),
        ([WET.format(day=1, outcome="perhaps")], HEAD, "utf-8", "line 2: “outcome”"),
        (
            [rows()[0].replace("2026-03-01", "gestern")],
            HEAD,
            "utf-8",
            "line 2: “created_at”",
        ),
        ([rows()[0].replace("积水", "积" * 100_000)], HEAD, "utf-8", "type3"),
        (rows(), HEAD.replace("street", "road"), "utf-8", "street"),
        (rows(), HEAD, "utf-16", "line 0: "),
        ([], HEAD, "utf-8", "line 0: "),
        (rows(3), HEAD, "utf-8", "Error: "),
    ],
)
def test_a_file_that_cannot_judge_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], head: str, encoding: str, said: str
) -> None:
    written(tmp_path, lines, head, encoding)
    code, figures, heard = judge(tmp_path)
    assert (code, figures) == (1, {})
    assert said in heard


def test_outcomes_all_alike_give_no_figure_of_lateness_and_a_sentence(tmp_path: Path) -> None:
    written(tmp_path, rows(outcomes=("on_time",)))
    code, figures, said = judge(tmp_path)
    assert code == 0
    assert "auc" not in figures
    assert "Nothing is said of lateness" in said


def test_the_error_of_calibration_is_the_weighed_distance_of_said_and_came() -> None:
    said = np.array([0.95, 0.95, 0.95, 0.95, 0.25, 0.25])
    came = np.array([True, True, True, False, False, False])
    assert calibration_error(said, came) == pytest.approx((4 * 0.2 + 2 * 0.25) / 6, abs=1e-4)


@pytest.mark.long
def test_on_a_real_years_matters_it_holds(shared_data: Path) -> None:
    code, figures, _said = judge(shared_data)
    assert code == 0
    assert figures["n"] == 2081
    assert figures["top1"] >= 0.68
    assert figures["top3"] >= 0.84
    assert figures["ece"] <= 0.05
    assert figures["auc"] >= 0.82
    assert figures["late_ece"] <= 0.05


PETITION_HEAD = "title,detail,label,text_kind,group_id"
PETITIONS = [
    f"{place}{said},{place}的{said}了请处理,{label},full,{place}"
    for place in ("溪口", "东街", "朝阳", "北塘", "南坝", "西山", "河东", "岭下", "桥头", "新村")
    for label, said in (("照明", "路灯不亮"), ("供水", "停水"), ("油烟", "餐馆油烟"))
]


def sort_petitions(
    folder: Path, lines: list[str], *more: str, head: str = PETITION_HEAD
) -> tuple[int, dict[str, Any], str]:
    file = folder / "petitions_labelled_train.csv"
    file.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    done = CliRunner().invoke(command, ["classify", "--data", str(folder), "--json", *more])
    figures = json.loads(done.stdout.splitlines()[-1]) if done.exit_code == 0 else {}
    return done.exit_code, figures, done.stderr


def test_labels_are_told_at_places_that_did_not_teach(tmp_path: Path) -> None:
    code, figures, _said = sort_petitions(tmp_path, PETITIONS)
    assert code == 0
    assert (figures["n"], figures["macro_f1"], figures["macro_f1_full"]) == (9, 1.0, 1.0)
    assert figures["interval"]["macro_f1"] == [1.0, 1.0]
    assert {"accuracy", "ece", "seed", "p50_ms", "train_s"} <= set(figures)


@pytest.mark.parametrize(
    ("lines", "head", "sentence"),
    [
        (PETITIONS, "title,detail,kind,text_kind,group_id", "缺少“label”列"),
        ([*PETITIONS, "甲,乙,,full,丙"], PETITION_HEAD, "line 32: “label”一栏是空的。"),
        ([*PETITIONS, ",,照明,full,丙"], PETITION_HEAD, "line 32: 这一行没有文字。"),
        ([*PETITIONS, f"甲,{'水' * 100_001},供水,full,丙"], PETITION_HEAD, "100000"),
        ([], PETITION_HEAD, "文件除首行外没有任何数据行。"),
        ([line for line in PETITIONS if "供水" in line] * 3, PETITION_HEAD, "bear one label"),
    ],
)
def test_petitions_that_teach_nothing_are_refused(
    tmp_path: Path, lines: list[str], head: str, sentence: str
) -> None:
    code, _figures, said = sort_petitions(tmp_path, lines, head=head)
    assert code == 1
    assert sentence in said


def test_a_label_that_nothing_taught_is_refused(tmp_path: Path) -> None:
    strange = tmp_path / "test.csv"
    strange.write_text(f"{PETITION_HEAD}\n甲,乙,教育,full,丙\n", encoding="utf-8")
    code, _figures, said = sort_petitions(tmp_path, PETITIONS, "--test", str(strange))
    assert code == 1
    assert "用于学习的文本中没有“教育”这一标签。" in said


def test_our_own_words_tell_our_own_categories(shared_data: Path) -> None:
    done = CliRunner().invoke(
        command, ["classify", "--product", "--data", str(shared_data), "--json"]
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["n"] == 620
    assert figures["top1"] >= 0.70
    assert figures["top1_words"] >= 0.70
    assert figures["top3_words"] >= 0.87
    assert figures["ece_words"] <= 0.05


def test_a_city_may_judge_by_its_own_messages(shared_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    file.write_text(
        "msg_id,title,detail,code\n1,路灯不亮,村口路灯不亮,1002\n2,拖欠工资,老板拖欠工资,1301\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(
        command,
        ["classify", "--product", "--data", str(shared_data), "--test", str(file), "--json"],
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["n"], figures["top1"], figures["top3"]) == (2, 1.0, 1.0)
    file.write_text("msg_id,title,detail,code\n1,甲,乙,9999\n", encoding="utf-8")
    done = CliRunner().invoke(
        command, ["classify", "--product", "--data", str(shared_data), "--test", str(file)]
    )
    assert done.exit_code == 1
    assert "line 2: 没有代码为 9999 的类别。" in done.stderr


def find_addresses(*more: str) -> tuple[int, dict[str, Any], str]:
    done = CliRunner().invoke(command, ["locate", "--json", *more])
    figures = json.loads(done.stdout.splitlines()[-1]) if done.exit_code == 0 else {}
    return done.exit_code, figures, done.stderr


def test_written_addresses_over_real_names_are_found() -> None:
    code, figures, _said = find_addresses()
    assert code == 0
    assert figures["n"] >= 300
    assert figures["precision"] >= 0.97
    assert figures["recall"] >= 0.94
    assert figures["offsets"] == 1.0
    assert figures["refused"] >= 0.95


def test_a_city_may_judge_by_its_own_addresses(tmp_path: Path) -> None:
    file = tmp_path / "ours.csv"
    head = "text,context,expected,direction,metres"
    file.write_text(
        f"{head}\n龙游县社阳乡卫生院东侧300米,,330825209,东,300\n门口路灯坏了,,,,\n", "utf-8"
    )
    code, figures, _said = find_addresses("--test", str(file))
    assert code == 0
    assert (figures["n"], figures["precision"], figures["recall"]) == (2, 1.0, 1.0)
    assert (figures["offsets"], figures["refused"]) == (1.0, 1.0)
    file.write_text(f"{head}\n,,330825209,,\n甲,,330825209,东,远\n", "utf-8")
    code, _figures, said = find_addresses("--test", str(file))
    assert code == 1
    assert "line 2: “text”一栏为空" in said
    assert "line 3: “metres”一栏不是整数。" in said
