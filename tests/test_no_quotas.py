"""Nothing in the product counts people: no mileage, steps, log-ins, time online, check-ins, points,
quotas, nor a ranking of workers; not as a screen, a field, an indicator, an address or a word.

Source: domain guide, sections 7 (hard rule of 2023-12-18) and 8. Indicators are about units.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.apps import apps
from django.apps.registry import Apps
from django.db import models
from django.test.utils import isolate_apps
from django.urls import URLResolver, get_resolver

from maplebridge.insight import indicators
from maplebridge.organisation.models import Account, Holding, Post

PACKAGE = Path(__file__).resolve().parent.parent / "maplebridge"
CATALOGUE = PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
SKIPPED = {"tests", "migrations", "node_modules", "bundle", "locale"}

# What is forbidden, as words in small letters with single spaces: names are taken apart first.
FORBIDDEN = {
    "mileage": r"\bmileages?\b|\bodometer|\b(distance|metres|meters|km) (walked|covered|patrolled)"
    r"|里程|巡查(距离|轨迹)",
    "steps": r"\bsteps? (count|walked|taken|total)|\bpedometer|步数|计步",
    "log-in counts": r"\b(log|sign|signed|logged) ?ins? (count|counts|times|days|total|streak)"
    r"|\b(count|number|times) (of )?(log|sign) ?ins?\b|登[录陆](次数|天数|率)"
    r"|活跃(度|率|天数)|日活",
    "time online": r"\b(online|active|screen) (time|minutes|hours|seconds|duration)\b"
    r"|\b(time|minutes|hours) (online|on duty online)\b|在线(时长|时间|率)",
    "check-in": r"\bcheck(ed)? ?ins?\b|\bclock(ed)? ?ins?\b(?! (ms|seconds|the)\b)"
    r"|\bpunch(ed)? ?(in|card)|\battendances?\b|打卡|签到|考勤",
    "points": r"\b(reward|bonus|credit|merit|loyalty|worker|personal) ?(points?|scores?)\b"
    r"|\bscores? of (a |the )?(person|people|worker|officer)|积分|个人得分|先锋指数",
    "quotas": r"\bquotas?\b|\breports? (target|per (day|week|month|worker|person))\b"
    r"|\b(target|required|minimum) (number of )?reports?\b"
    r"|上报(指标|任务量|数量|率)|每[日天周月](至少)?(上报|走访|巡查)[\s\d]{0,8}[条件次户]",
    "rankings": r"\bleader ?boards?\b|\branks?\b|\branked\b|\brankings?\b|\btop (workers|staff)\b"
    r"|排名|排行|红黑榜",
}
# Sentences that promise their absence. Each still stands in the product and says no.
PROMISES = {
    "Your position is asked for only when you act, and you see all that is stored. No mileage, no "
    "check-in, no log-in counts, no ranking: a report is worth what it says.",
    "That is a good result, too. Nobody expects a number of reports.",
    "Every position stored with something you did. It is for finding the place of the matter, for "
    "nothing else: not for attendance, not for pay, not for comparing people.",
}
SAYS_NO = re.compile(r"\b(no|not|nobody|never)\b|不")
# Names that browsers and databases gave, and what they mean there.
OTHERS_NAMES = {
    "QuotaExceededError": "a browser's fault for a full storage",
    "ts_rank": "PostgreSQL's order of a text search",
}
# Order within a computation; nothing of it is shown. Of Python names only.
LOCAL_NAMES = {"rank": "an order inside one function", "ranked": "the same"}

Thing = tuple[str, str]


def plain(said: str) -> str:
    """Names taken apart into words: dailyMileage_km → daily mileage km."""
    for name in OTHERS_NAMES:
        said = said.replace(name, "")
    said = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", said)
    return re.sub(r"[\s_/.<>:\-]+", " ", said).lower()


def forbidden(things: Iterable[Thing]) -> list[str]:
    """What of (place, words) counts people, as sentences."""
    said = []
    for place, words in things:
        text = plain(words)
        for name, pattern in FORBIDDEN.items():
            if found := re.search(pattern, text):
                said.append(f"{place}: {name}: {found[0]!r}")
    return said


# -- where it could stand ---------------------------------------------------------------------


def fields(registry: Apps) -> Iterator[Thing]:
    for model in registry.get_models():
        if not model.__module__.startswith(("maplebridge", __name__)):
            continue
        yield f"model {model.__name__}", model.__name__
        for field in model._meta.get_fields():
            said = f"{field.name} {getattr(field, 'verbose_name', '')}"
            yield f"field {model.__name__}.{field.name}", said


def addresses(found: Any, before: str = "") -> Iterator[Thing]:
    for each in found.url_patterns:
        pattern = f"{before}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from addresses(each, pattern)
        else:
            yield f"address {pattern}", f"{pattern} {each.name or ''}"


def shown_indicators(known: Iterable[indicators.Indicator]) -> Iterator[Thing]:
    for each in known:
        yield f"indicator {each.name}", f"{each.name} {each.label} {each.unit}"


def sentences(catalogue: Path) -> Iterator[Thing]:
    with catalogue.open("rb") as file:
        for message in read_po(file, locale="zh_Hans"):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            if PROMISES.isdisjoint(ids):
                for said in (*ids, *texts):
                    yield f"sentence {said[:50]!r}", str(said)


def sources(folder: Path, *endings: str) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in endings and not SKIPPED & set(path.relative_to(folder).parts):
            yield path


def screens(folder: Path) -> Iterator[Thing]:
    """Templates, scripts and styles, without the sentences that promise."""
    for path in sources(folder, ".html", ".txt", ".js", ".css"):
        said = path.read_text(encoding="utf-8")
        for promise in PROMISES:
            said = said.replace(promise, "")
        yield str(path.relative_to(folder)), said


def names(folder: Path) -> Iterator[Thing]:
    """Every name that a source gives: functions, classes, arguments, attributes, keys."""
    for path in sources(folder, ".py"):
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.arg | ast.keyword):
                found.add(node.arg or "")
            elif isinstance(node, ast.Dict):
                found |= {str(k.value) for k in node.keys if isinstance(k, ast.Constant)}
        for name in sorted(found - set(LOCAL_NAMES)):
            yield f"{path.relative_to(folder)} {name}", name


# -- the promise ------------------------------------------------------------------------------


def test_no_field_of_any_table_counts_people() -> None:
    assert forbidden(fields(apps)) == []


def test_no_address_and_no_indicator_counts_people() -> None:
    found = list(shown_indicators(indicators.table_from({})))
    assert len(found) > 5
    assert forbidden([*addresses(get_resolver()), *found]) == []


def test_no_sentence_in_either_language_counts_people() -> None:
    found = list(sentences(CATALOGUE))
    assert len(found) > 1000
    assert forbidden(found) == []


def test_no_screen_and_no_name_in_the_sources_counts_people() -> None:
    assert forbidden([*screens(PACKAGE), *names(PACKAGE)]) == []


@pytest.mark.parametrize("model", [Account, Holding, Post])
def test_a_person_and_a_post_hold_no_number_at_all(model: type[models.Model]) -> None:
    numbers = (models.IntegerField, models.FloatField, models.DecimalField, models.DurationField)
    found = [f.name for f in model._meta.get_fields() if isinstance(f, numbers)]
    assert [name for name in found if name != "id"] == []


def test_each_promise_stands_in_the_product_and_says_no() -> None:
    with CATALOGUE.open("rb") as file:
        said = {message.id: str(message.string) for message in read_po(file, locale="zh_Hans")}
    for promise in PROMISES:
        assert SAYS_NO.search(promise.lower()), promise
        assert SAYS_NO.search(said[promise]), promise


# -- what is planted is found -----------------------------------------------------------------

PLANTED = {
    "mileage": ("daily_mileage", "本月巡查里程"),
    "steps": ("stepCount", "今日步数"),
    "log-in counts": ("login_count", "登录次数"),
    "time online": ("online_minutes", "在线时长"),
    "check-in": ("check_in_at", "每日打卡"),
    "points": ("reward_points", "积分兑换"),
    "quotas": ("monthly_quota", "每月至少上报 20 条"),
    "rankings": ("worker_ranking", "网格员排名"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_planted_name_and_a_planted_word_are_found_wherever_they_stand(
    what: str, tmp_path: Path
) -> None:
    name, word = PLANTED[what]
    (tmp_path / "page.html").write_text(f"<p>{word}</p>", encoding="utf-8")
    (tmp_path / "island.js").write_text(f"const {name} = 1;", encoding="utf-8")
    (tmp_path / "rows.py").write_text(f"def rows(x):\n    return x.{name}\n", encoding="utf-8")
    (tmp_path / "django.po").write_text(
        f'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        f'msgid "Some words"\nmsgstr "{word}"\n',
        encoding="utf-8",
    )
    found = forbidden([*screens(tmp_path), *names(tmp_path), *sentences(tmp_path / "django.po")])
    assert [(line.split(":")[0].split()[0], what in line) for line in found] == [
        ("island.js", True), ("page.html", True), ("rows.py", True), ("sentence", True),
    ]  # fmt: skip


def test_a_planted_field_is_found() -> None:
    with isolate_apps("maplebridge.cases") as isolated:

        class Round(models.Model):
            mileage_km = models.FloatField()

            class Meta:
                app_label = "cases"

            def __str__(self) -> str:
                return "round"

        assert [line.split(":")[0] for line in forbidden(fields(isolated))] == [
            "field Round.mileage_km"
        ]
