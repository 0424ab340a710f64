"""`maplebridge evaluate`: how well what is learned holds on files it was not learned from."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from maplebridge.config.main import say, set_up_without_database

DATA = Path("..") / "shared" / "data"
SHOWN = 20


@click.group()
def command() -> None:
    """Judge what is learned from history, on labelled files.

    No database is needed. Each figure comes with the number of rows it rests on, a 95 % interval
    and the seed. A file that cannot be judged by is refused with its lines, exit code 1.
    """


def judgement(measure: Callable[..., dict[str, Any]]) -> Callable[..., None]:
    """A way of judging, with the options that all share, and its figures shown."""

    @wraps(measure)
    def judge(*, as_json: bool, **options: Any) -> None:
        set_up_without_database()
        from maplebridge.config.measures.judged import FileRefused
        from maplebridge.journey.history import TooLittle

        try:
            figures = measure(**options)
        except FileRefused as refused:
            for problem in refused.problems[:SHOWN]:
                say(f"line {problem.line}: {problem.wrong} {problem.mend}")
            if len(refused.problems) > SHOWN:
                say(f"and {len(refused.problems) - SHOWN} more")
            sys.exit(1)
        except (OSError, TooLittle) as failure:
            say(f"Error: {failure}")
            sys.exit(1)
        _show(figures, as_json)

    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, last."),
        click.option(
            "--test",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Judge by this file of the same columns; learn from the whole folder.",
        ),
        click.option(
            "--data",
            type=click.Path(file_okay=False, path_type=Path),
            default=DATA,
            show_default=True,
            help="Folder with the files to learn from.",
        ),
    ):
        judge = option(judge)
    return judge


@command.command()
@judgement
def locate(data: Path, test: Path | None) -> dict[str, Any]:
    """Which area a written address lies in, and how far from a landmark.

    Nothing is learned, so --data is not read. Without --test the addresses judge that come with the
    product, made up over the city's real names.
    """
    from maplebridge.config.measures import addresses

    return addresses.measure(test)


@command.command()
@judgement
@click.option("--weekly", is_flag=True, help="Also learn anew every week, as in service.")
def route(data: Path, test: Path | None, weekly: bool) -> dict[str, Any]:
    """Which unit handles a matter, and whether it runs late, by kind and place.

    Learns from pingshan_cases_2018.csv. Without --test its oldest 70 % teach and the rest judges.
    """
    from maplebridge.config.measures import handled

    if weekly and test:
        raise click.UsageError("--weekly goes through the history itself; leave --test away.")
    known = handled.read_handled(data / "pingshan_cases_2018.csv")
    if test:
        learn, judge = known.cases, handled.read_handled(test).cases
    else:
        cut = int(len(known.cases) * handled.TRAIN_SHARE)
        learn, judge = known.cases[:cut], known.cases[cut:]
    figures = handled.route(learn, judge, weekly)
    if "auc" not in figures:
        say("Nothing is said of lateness: the outcomes that judge are all alike, or unknown.")
    return {**figures, "without_unit": known.unowned}


@command.command()
@judgement
@click.option(
    "--product", is_flag=True, help="Judge the city's own categories, on hand-labelled messages."
)
def classify(data: Path, test: Path | None, product: bool) -> dict[str, Any]:
    """Which label a text bears.

    Learns from petitions_labelled_train.csv. Without --test 70 % of its groups teach and the rest
    judges. With --product the labelled ones of petitions_replies.csv teach, and those of
    petitions_messages.csv judge, or the FILE of msg_id,title,detail,code.
    """
    from maplebridge.config.measures import petitions
    from maplebridge.config.measures import product as by_hand

    return by_hand.measure(data, test) if product else petitions.measure(data, test)


def _show(figures: dict[str, Any], as_json: bool) -> None:
    for name, value in figures.items():
        if name == "interval":
            for of, (low, high) in value.items():
                click.echo(f"{of:<14} 95 % {low} to {high}")
        else:
            click.echo(f"{name:<14} {value}")
    if as_json:
        click.echo(json.dumps(figures))
