"""Messages: each once, whole or not at all, and to every provider of its address."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from maplebridge.connectors import messages
from maplebridge.connectors.messages import ChannelsWrong, Message, send
from maplebridge.connectors.tests import providers

TOKEN = "a" * 64
FACTS = {"number": "330825-20261123-AB12CD", "state": "已受理", "code": "ABCD-EFGH-JKLM"}


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.STATE = tmp_path
    settings.MESSAGES = ""
    messages._turns.clear()
    return tmp_path / "messages"


@pytest.fixture
def named(settings: Any, tmp_path: Path) -> Any:
    """Writes the operator's file of channels."""

    def write(text: str) -> Path:
        place = tmp_path / "messages.toml"
        place.write_text(text)
        place.chmod(0o600)
        settings.MESSAGES = str(place)
        return place

    return write


def hand_over(name: str) -> int:
    return messages.hand_over(next(c for c in messages.channels() if c.name == name))


def test_a_message_is_sent_once(folder: Path) -> None:
    assert send(Message("case-1", "13900000000", "您好"))
    assert not send(Message("case-1", "13900000000", "又一次"))
    assert [file.name for file in folder.iterdir()] == ["case-1.json"]
    assert json.loads((folder / "case-1.json").read_text())["text"] == "您好"


def test_a_message_that_could_not_be_written_is_not_taken_for_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(messages.json, "dump", full)
        with pytest.raises(OSError, match="No space"):
            send(Message("case-1", "13900000000", "您好"))
    assert list(folder.iterdir()) == []
    assert send(Message("case-1", "13900000000", "您好"))


def test_a_letter_goes_out_over_smtp_and_its_record_is_emptied(folder: Path, named: Any) -> None:
    with providers.mail() as server:
        named(
            f'[channels.county]\ntakes = ["unit:330825-*"]\ntitle = "枫桥提醒"\n'
            f'url = "mailto://{server.address}?from=maple@city.test&to=duty@hsc.test&mode=insecure"'
        )
        assert send(Message("alarm-1", "unit:330825-hsc", "住建局：1 件已超期。"))
        assert send(Message("alarm-2", "unit:330802-hsc", "不归这里"))
        assert hand_over("county") == 1
        assert hand_over("county") == 0
    ((envelope, letter),) = server.came
    assert "rcpt TO:<duty@hsc.test>" in envelope
    assert letter["Subject"] == "枫桥提醒"
    assert "住建局：1 件已超期。" in letter.get_body(("plain", "html")).get_content()
    record = json.loads((folder / "alarm-1.json").read_text())
    assert sorted(record) == ["edition", "emptied_at", "name"]
    assert json.loads((folder / "alarm-2.json").read_text())["text"] == "不归这里"
    # Asked for again, it is not sent again.
    assert not send(Message("alarm-1", "unit:330825-hsc", "又一次"))
    assert hand_over("county") == 0


def test_a_telephone_gets_the_template_of_its_provider(named: Any) -> None:
    with providers.posted() as server:
        named(
            f'[channels.sms]\ntakes = ["tel:1*"]\nurl = "json://{server.address}/send?'
            "+Authorization=Bearer%20abc&:phone={to}&:template=SMS_1001&:number={number}"
            '&:state={state}&:code={code}&:message=&:title=&:type=&:version=&:attachments="'
        )
        send(Message("c-2", "13900000001", "全文", facts=FACTS))
        assert hand_over("sms") == 1
    said = {"phone": "13900000001", "template": "SMS_1001", **FACTS}
    assert server.came == [("/send", said)]
    assert server.headers[0]["Authorization"] == "Bearer abc"


def test_dingtalk_and_wechat_work_both_get_a_units_notice(
    named: Any, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    from apprise.plugins.dingtalk import NotifyDingTalk
    from apprise.plugins.wecombot import NotifyWeComBot

    with providers.posted() as server:
        here = f"http://{server.address}"
        monkeypatch.setattr(NotifyDingTalk, "notify_url", here + "/ding?access_token={token}")
        monkeypatch.setattr(NotifyWeComBot, "notify_url", here + "/wecom?key={key}")
        server.body = b'{"errcode": 0}'
        named(
            f'[channels.ding]\ntakes = ["unit:*-hsc"]\nurl = "dingtalk://{TOKEN}/"\n'
            '[channels.wecom]\ntakes = ["unit:330825-*"]\nurl = "wecombot://botkey12345/"\n'
        )
        send(Message("alarm-3", "unit:330825-hsc", "请签收。"))
        assert hand_over("ding") == 1
        # The other channel still has to have it.
        assert "text" in json.loads((folder / "alarm-3.json").read_text())
        assert hand_over("wecom") == 1
        assert "text" not in json.loads((folder / "alarm-3.json").read_text())
    (ding, said), (wecom, other) = server.came
    assert (ding, wecom) == (f"/ding?access_token={TOKEN}", "/wecom?key=botkey12345")
    assert "请签收。" in json.dumps(said, ensure_ascii=False)
    assert "请签收。" in json.dumps(other, ensure_ascii=False)


def test_a_provider_that_is_away_holds_up_nobody_and_loses_nothing(
    named: Any, caplog: pytest.LogCaptureFixture, folder: Path
) -> None:
    with providers.posted() as works, providers.posted() as away:
        away.status = 503
        named(
            f'[channels.away]\ntakes = ["tel:*"]\nurl = "json://{away.address}/?key=geheim"\n'
            f'[channels.works]\ntakes = ["unit:*"]\nurl = "json://{works.address}/"\n'
        )
        for n in range(5):
            send(Message(f"c-{n}", f"1390000000{n}", "您好"))
        send(Message("u-1", "unit:330825-hsc", "请签收"))
        with caplog.at_level(logging.DEBUG):
            messages.deliver()
            assert works.taken.wait(5)
            messages._turns["away"].thread.join()
        # After three in a row the other two are not even tried, and the channel rests.
        assert len(away.came) == messages.AWAY_AFTER
        assert messages._turns["away"].not_before > time.monotonic() + 2
        assert "c-0 to 139****0000" in caplog.text
        assert "13900000000" not in caplog.text
        assert "geheim" not in caplog.text
        away.status = 200
        messages._turns.clear()
        assert hand_over("away") == 5
    assert len(away.came) == messages.AWAY_AFTER + 5
    assert all("text" not in json.loads(p.read_text()) for p in folder.glob("c-*.json"))


def test_a_crash_before_the_mark_sends_twice_and_one_before_the_queue_loses_nothing(
    named: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with providers.posted() as server:
        named(f'[channels.sms]\ntakes = ["tel:*"]\nurl = "json://{server.address}/"\n')
        with monkeypatch.context() as crash:
            crash.setattr(messages, "_wait", lambda *_a: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                send(Message("c-1", "13900000001", "您好"))
        assert not messages._has_waiting("sms")
        assert not send(Message("c-1", "13900000001", "您好"))
        with monkeypatch.context() as crash:
            crash.setattr(messages, "_mark", lambda *_a: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                hand_over("sms")
        assert hand_over("sms") == 1
        assert hand_over("sms") == 0


def test_what_is_forgotten_is_not_sent(named: Any, folder: Path) -> None:
    with providers.posted() as server:
        named(f'[channels.sms]\ntakes = ["tel:*"]\nurl = "json://{server.address}/"\n')
        send(Message("case-a-1", "13900000001", "您好"))
        send(Message("case-b-1", "13900000002", "您好"))
        assert messages.forget("case-a-") == 1
        assert hand_over("sms") == 1
    assert [said["message"] for _path, said in server.came] == ["您好"]
    assert "13900000001" not in (folder / "case-a-1.json").read_text()
    assert not send(Message("case-a-1", "13900000001", "您好"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[channels.x]\n", "whom it takes"),
        ('[channels.x]\ntakes = ["tel:*"]\nurl = "nothing"', "no address"),
        ('[channels."X y"]\ntakes = ["tel:*"]\nurl = "json://h/"', "small letters"),
        ("[chanels.x]\n", "not ['chanels']"),
        ("[channels", "no TOML"),
        ('[channels.x]\ntakes = ["tel:*"]\nurl_file = "not-there"', "url_file"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(named: Any, text: str, said: str) -> None:
    named(text)
    with pytest.raises(ChannelsWrong) as wrong:
        messages.channels()
    assert said in str(wrong.value)


def test_a_file_that_is_spoilt_while_we_run_stops_nothing(
    named: Any, caplog: pytest.LogCaptureFixture, folder: Path
) -> None:
    place = named('[channels.sms]\ntakes = ["tel:*"]\nurl = "json://127.0.0.1:9/"\n')
    assert len(messages.channels()) == 1
    place.write_text("[channels.sms")
    assert send(Message("c-1", "13900000001", "您好"))
    assert messages._has_waiting("sms")
    assert "stay as they were" in caplog.text


def test_a_file_that_others_can_read_is_refused(named: Any) -> None:
    named("").chmod(0o644)
    with pytest.raises(ChannelsWrong, match="chmod 600"):
        messages.channels()


def test_the_file_of_the_documents_can_be_meant(named: Any, tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "running" / "messages.md"
    shown = page.read_text().split("```toml\n")[1].split("```")[0]
    kept = {
        "mail": "mailtos://maple:secret@city.example?to=duty@city.example",
        "housing": f"dingtalk://{TOKEN}/",
        "county": "wecombot://botkey12345/",
    }
    for name, url in kept.items():
        (tmp_path / f"{name}.url").write_text(f"{url}\n")
    named(shown)
    found = {channel.name: channel for channel in messages.channels()}
    assert list(found) == ["sms", "housing", "county", "mail"]
    told = Message("x", "unit:330825-hsc", "请签收")
    assert [name for name, each in found.items() if each.fits(told)] == [
        "housing", "county", "mail",
    ]  # fmt: skip
    assert "secret" not in repr(found)
