"""The drill of a township that is cut off: two platforms, a lease, notes on both sides, and home.

Each step runs in a process of its own on one of two state folders; the files travel between them as
they would on a stick. What was written on either side is counted where it came together.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from maplebridge.config.drills import DrillFailed

AREA, COUNTY = "330825209", "330825"
HANDLER = f"{COUNTY}-hsc"
PHONE = "13900000000"
NOTED = "县里来电：排水队明早八点到。"


def run(folder: Path, cases: int, say: Callable[[str], None]) -> dict[str, float]:
    """Cuts a township off, works on both sides, and joins; returns what was counted.

    lost: events of the node or notes of home that home lacks. doubled: there more than once.
    chain_broken: places in the chains of both sides. refused: writes that only the holder of the
    right may make, and that were refused. Raises DrillFailed.
    """
    begun = time.monotonic()
    home, node = folder / "home", folder / "node"
    for state in (home, node):
        state.mkdir(parents=True)
    say("Home opens, with its town")
    opened = _step(home, "open", cases)
    # The city's key and key ring: both sides name, seal and answer alike.
    (node / "secrets").mkdir(mode=0o700)
    for name in ("django.txt", "keys.json"):
        if (home / "secrets" / name).exists():
            shutil.copy2(home / "secrets" / name, node / "secrets" / name)
    lent, half, noted, back = (
        folder / f"{name}.lease" for name in ("lent", "half", "note", "back")
    )
    say("Home lends the township its open matters")
    _command(home, "lease", "lend", AREA, str(lent))
    _command(node, "lease", "take", str(lent))
    say("Both sides work")
    first = _step(node, "work", opened)
    _step(home, "meanwhile", opened)
    _command(node, "lease", "bring", str(half))
    _command(home, "lease", "take", str(half))
    _command(home, "lease", "notes", AREA, str(noted))
    _command(node, "lease", "take", str(noted))
    second = _step(node, "go_on", opened)
    say("The line is back")
    _command(node, "lease", "bring", "--end", str(back))
    for _turn in range(2):
        _command(home, "lease", "take", str(back))
    at_node, at_home = _step(node, "count", opened), _step(home, "count", opened)
    broken = sum(_command(state, "audit", "verify")["broken"] for state in (home, node))
    ours = [tuple(one) for one in at_home["events"]]
    theirs = {tuple(one) for one in at_node["events"]}
    notes = [said for said in at_home["words"] if said == NOTED]
    return {
        "acknowledged": len(opened["cases"]) + first["acts"] + second["acts"] + 1,
        "lost": len(theirs - set(ours) - set(map(tuple, at_home["joined"])))
        + max(0, opened["noted"] - len(notes)) + first["cases"] - at_home["opened_there"],
        "doubled": len(ours) - len(set(ours)) + max(0, len(notes) - opened["noted"])
        + at_home["twice"],
        "chain_broken": broken,
        "refused": at_home["refused"],
        "away": at_home["away"],
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def _environment(state: Path) -> dict[str, str]:
    own = ("DATABASE_", "MAPLEBRIDGE_", "DJANGO_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    return environment | {"MAPLEBRIDGE_STATE": str(state), "MAPLEBRIDGE_DEMONSTRATION": "1"}


def _answer(state: Path, program: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, *arguments],
        env=_environment(state), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        raise DrillFailed(f"{' '.join(arguments[:3])}: its messages are above.")
    found: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return found


def _command(state: Path, *arguments: str) -> dict[str, Any]:
    return _answer(state, "from maplebridge.config.main import main; main()", *arguments, "--json")


def _step(state: Path, name: str, said: Any) -> dict[str, Any]:
    program = "import sys; from maplebridge.config.cutoff import step; step(*sys.argv[1:])"
    file = state.parent / "said.json"
    file.write_text(json.dumps(said))
    return _answer(state, program, name, str(file))


def step(name: str, file: str) -> None:
    """One side's work, in a process of its own; what it says comes as the last line."""
    from maplebridge.config.main import running_database

    said = json.loads(Path(file).read_text())
    with running_database(town=name == "open"):
        print(json.dumps(STEPS[name](said)))  # noqa: T201


def _open(cases: int) -> dict[str, Any]:
    from maplebridge.cases.models import Case
    from maplebridge.config.worker import carry_out_all

    receipts = [
        _report(f"龙游县社阳乡社阳村第{n}号院门口下水道堵了", f"open-{n}") for n in range(cases)
    ]
    carry_out_all("drill")
    for n, case_id in enumerate(receipts):
        case = Case.objects.get(pk=case_id)
        if n % 2 and case.state == "reported":
            _move(case_id, "accept", _town())
    return {"cases": [str(one) for one in receipts], "noted": len(receipts)}


def _report(text: str, key: str) -> UUID:
    from PIL import Image

    from maplebridge.cases import engine
    from maplebridge.connectors import storage

    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), (60, 110, len(text))).save(drawn, "PNG")
    kept = storage.keep_photo(drawn.getvalue() + key.encode())
    return engine.open(
        engine.Opening(
            kind="matter", channel="web", account="drill", key=key, area_code=AREA,
            unit_code=f"{AREA}-room", words={"text": text},
            reporter={"name": "演练员", "phone": PHONE}, synthetic=True,
            photos=[engine.Photo(kept.sha256, kept.media_type, kept.size)],
        )
    ).case_id  # fmt: skip


def _town() -> Any:
    from maplebridge.organisation.people import Actor, Role

    return Actor(role=Role.CLERK, unit_code=f"{AREA}-room", area_code=AREA)


def _handler() -> Any:
    from maplebridge.organisation.people import Actor, Role

    return Actor(role=Role.OFFICER, unit_code=HANDLER, area_code=COUNTY)


def _move(case_id: UUID, name: str, actor: Any, **facts: Any) -> None:
    from maplebridge.cases import engine

    engine.move(case_id, name, actor, key=f"drill:{name}", facts=facts)


def _work(opened: dict[str, Any]) -> dict[str, Any]:
    """The node goes on with what was lent, and takes reports of its own."""
    from maplebridge.cases.models import Case
    from maplebridge.config.worker import carry_out_all

    acts = 0
    for case_id in map(UUID, opened["cases"]):
        for state, name in (("reported", "accept"), ("accepted", "file_case")):
            if Case.objects.get(pk=case_id).state == state:
                _move(case_id, name, _town())
                acts += 1
    fresh = [_report(f"龙游县社阳乡社阳村第{n}段堤边渗水", f"node-{n}") for n in range(3)]
    _report("龙游县社阳乡社阳村卫生院门口积水过膝", "both")
    carry_out_all("drill")
    return {"acts": acts + len(fresh) + 1, "cases": len(fresh)}


def _meanwhile(opened: dict[str, Any]) -> dict[str, Any]:
    """Home may not write what it lent; it leaves notes, and hears a report the node heard too."""
    from maplebridge.cases import engine, leases
    from maplebridge.cases.models import Case

    for case_id in map(UUID, opened["cases"]):
        case = Case.objects.get(pk=case_id)
        try:
            engine.move(case_id, "log", _town(), key="drill:home", facts={"note": "试写"})
        except engine.WrittenElsewhere:
            pass
        else:
            raise DrillFailed(f"home wrote {case.number}, which another node writes")
        for _turn in range(2):
            leases.leave_note(case, _town(), NOTED, f"note-{case_id}")
    _report("龙游县社阳乡社阳村卫生院门口积水过膝", "both")
    return {}


def _go_on(opened: dict[str, Any]) -> dict[str, Any]:
    from maplebridge.cases.models import Case

    acts = 0
    for case_id in map(UUID, opened["cases"]):
        if Case.objects.get(pk=case_id).state == "filed":
            _move(case_id, "dispatch", _town(), unit=HANDLER)
            _move(case_id, "sign_for", _handler())
            acts += 2
    return {"acts": acts}


def _count(opened: dict[str, Any]) -> dict[str, Any]:
    from django.db.models import Count

    from maplebridge.cases import engine, leases
    from maplebridge.cases.models import Case, Event, Payload

    # What hands the right over is no act: where a report was heard on both sides it joins nothing.
    events = list(Event.objects.exclude(move__in=leases.OF_A_LEASE).order_by("case_id", "sequence"))
    keys = Event.objects.values("case_id", "key").annotate(n=Count("hash")).filter(n__gt=1)
    there = [engine.case_id_for("web", "drill", f"node-{n}") for n in range(3)]
    refused = sum(not Event.objects.filter(case_id=one, key="drill:home").exists()
                  for one in opened["cases"])  # fmt: skip
    contents = Payload.objects.filter(part="words").values_list("content", flat=True)
    return {
        "events": [(str(one.case_id), bytes(one.hash).hex()) for one in events],
        "joined": [
            (str(one.case_id), one.facts["hash"])
            for one in events if one.move == "join" and "hash" in one.facts
        ],
        "words": [one.get("note", "") for one in contents if one],
        "opened_there": sum(_is_whole(one) for one in there),
        "twice": keys.count(),
        "away": Case.objects.exclude(lent_to="").count(),
        "refused": refused,
    }  # fmt: skip


def _is_whole(case_id: UUID) -> bool:
    """Whether a case is here with its reporter and the original of its photo."""
    from maplebridge.cases.models import Attachment
    from maplebridge.cases.reporters import reporter_of_case
    from maplebridge.connectors import storage

    photo = Attachment.objects.filter(case_id=case_id).first()
    if photo is None or not storage.path_of(photo.sha256).exists():
        return False
    return bool(storage.original_of(photo.sha256)) and reporter_of_case(case_id).phone == PHONE


STEPS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "open": _open,
    "work": _work,
    "meanwhile": _meanwhile,
    "go_on": _go_on,
    "count": _count,
}
