"""Village life has no column and no word for lists, points or rankings of people."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps

FOLDER = Path(__file__).resolve().parent.parent
NEVER = re.compile(
    r"红黑榜|红榜|黑榜|曝光台|积分|签到|打卡|报名|排名|排行|先进个人|落后户|得分"
    r"|blacklist|honou?r_roll|sign_?up|attend|\bcheck_?in\b|\bpoints?\b|\brank|\bscore|participant",
    re.IGNORECASE,
)


def test_there_is_no_column_for_lists_of_people():
    columns = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("village").get_models()
        for field in model._meta.get_fields()
    ]
    assert len(columns) > 60
    assert [name for name in columns if NEVER.search(name)] == []
    assert NEVER.search("Activity.participants")
    # Who wrote is kept with the writing and nowhere else; nobody else is named by a key.
    held = [
        name for name in columns if name.endswith(("account_id", "account", "case_id", "phone"))
    ]
    assert held == ["Writing.account_id"]


def test_no_page_says_a_word_of_them():
    pages = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/**/*.html")]
    wrong = {
        path.name: found[0]
        for path in pages
        if (found := NEVER.search(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}
