"""Files of divisions and grids are loaded whole, or refused with every line that is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.utils import translation
from shapely.geometry import box, mapping

from maplebridge.lib.tables import write_problems
from maplebridge.organisation.areas import Level
from maplebridge.organisation.divisions import (
    SEED_FILE,
    DivisionErrors,
    DivisionRow,
    count_by_level,
    load_divisions,
    load_seed_divisions,
    read_divisions,
)
from maplebridge.organisation.grids import load_grids
from maplebridge.organisation.models import Area

GOOD = """code,name,level,parent_code
330800000000,衢州市,city,
330825000000,龙游县,county,330800000000
330825209000,社阳乡,township,330825000000
330825209220,大公村民委员会,village,330825209000
"""
READ = [
    DivisionRow("3308", "衢州市"),
    DivisionRow("330825", "龙游县"),
    DivisionRow("330825209", "社阳乡"),
    DivisionRow("330825209220", "大公村民委员会"),
]


@pytest.fixture(autouse=True)
def _in_english() -> object:
    with translation.override("en"):
        yield


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "file.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str, newline: str) -> None:
    file = written(tmp_path, GOOD.replace("\n", newline), encoding)
    assert read_divisions(file) == READ


def test_the_seed_holds_all_divisions_of_quzhou() -> None:
    divisions = read_divisions(SEED_FILE)
    assert not isinstance(divisions, DivisionErrors)
    assert count_by_level(divisions) == {
        Level.CITY: 1,
        Level.COUNTY: 6,
        Level.TOWNSHIP: 100,
        Level.VILLAGE: 1664,
    }


def test_order_does_not_matter_and_a_province_is_left_out(tmp_path: Path) -> None:
    head, *rows = GOOD.strip().splitlines()
    rows[0] = rows[0] + "330000000000"
    text = "\n".join([head, *reversed(rows), "330000000000,浙江省,province,"])
    assert read_divisions(written(tmp_path, text)) == READ


BAD = """code,name,level,parent_code
330800000000,衢州市,city,
330825000000,龙游县,county,330800000000
330825000000,龙游县,county,330800000000
330881001000,双塔街道,township,330881000000
330825209000,社阳乡,village,330825000000
33082520922x,大公村,village,330825209000
330825209221,,village,330825209000
330825209222,凤溪村,village,330825000000
330825209223,"两行
的名",village,330825209000
330825209224,少一格,village
330825,短码,county,330800000000
"""


def test_all_problems_are_listed_with_their_lines(tmp_path: Path) -> None:
    problems = read_divisions(written(tmp_path, BAD))
    assert isinstance(problems, DivisionErrors)
    assert [(problem.line, problem.wrong) for problem in problems] == [
        (4, "The code is already on line 3."),
        (5, "The parent 330881000000 is neither in this file nor loaded."),
        (6, "The level is “village”, but the code is that of a township."),
        (7, "The code “33082520922x” is not one of 12 digits below a province."),
        (8, "The name is empty."),
        (9, "The parent is “330825000000”, but the code lies below 330825209000."),
        (12, "This line has 3 cells; the first line has 4."),
        (13, "The code “330825” is not one of 12 digits below a province."),
    ]
    assert all(problem.mend for problem in problems)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "The file is empty."),
        (b"code,name,level,parent_code\n", "The file names no divisions."),
        (b"code,name,level\n330800000000,x,city\n", "The column “parent_code” is missing."),
        (b"%PDF-1.4\x00\xff\xfe", "This is no text file in UTF-8 or GB18030."),
        ("code,name".encode("utf-16"), "This is no text file in UTF-8 or GB18030."),
        (b'code,name,level,parent_code\n"330800000000,x,city,\n', "cannot be read from here on"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, raw: bytes, words: str) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(raw)
    problems = read_divisions(file)
    assert isinstance(problems, DivisionErrors)
    assert any(words in problem.wrong for problem in problems)


def test_the_error_file_opens_in_a_spreadsheet_and_runs_no_formula(tmp_path: Path) -> None:
    problems = read_divisions(written(tmp_path, BAD.replace("33082520922x", "=1+1")))
    assert isinstance(problems, DivisionErrors)
    write_problems(problems, tmp_path / "errors.csv")
    with (tmp_path / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "code", "what is wrong", "how to mend it"]
    assert rows[4][:2] == ["7", "'=1+1"]


@pytest.mark.django_db
def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    Area.objects.all().delete()
    first = load_seed_divisions()
    assert (first.rows, first.loaded, first.changed, first.refused) == (1771, 1771, 1771, 0)
    before = list(Area.objects.order_by("code").values())
    second = load_seed_divisions()
    assert (second.loaded, second.changed) == (1771, 0)
    assert list(Area.objects.order_by("code").values()) == before
    assert Area.objects.within("330825").count() == 304


@pytest.mark.django_db
def test_one_wrong_line_refuses_all_and_a_trial_changes_nothing(tmp_path: Path) -> None:
    Area.objects.all().delete()
    refused = load_divisions(written(tmp_path, BAD))
    assert (refused.rows, refused.loaded, refused.refused) == (11, 0, 8)
    assert load_divisions(written(tmp_path, GOOD), dry_run=True).changed == 4
    assert Area.objects.count() == 0


@pytest.mark.django_db
def test_a_parent_that_is_loaded_already_is_enough(tmp_path: Path) -> None:
    load_divisions(written(tmp_path, GOOD))
    more = "code,name,level,parent_code\n330825209299,新设村委会,village,330825209000\n"
    assert load_divisions(written(tmp_path, more)).loaded == 1
    renamed = more.replace("新设村", "改名村")
    assert load_divisions(written(tmp_path, renamed), source="test").changed == 1
    assert Area.objects.get(code="330825209299").name == "改名村委会"


@pytest.fixture
def county(tmp_path: Path) -> None:
    Area.objects.all().delete()
    load_divisions(written(tmp_path, GOOD))
    outline = json.loads(json.dumps(mapping(box(119.0, 29.0, 119.5, 29.5))))
    Area.objects.filter(code="330825").update(outline=outline)


GRIDS = """code,name,lon,lat,datum
330825209220001,大公村第一网格,119.1,29.1,WGS84
330825209220002,大公村第二网格,119.2046,29.0972,GCJ-02
"""


@pytest.mark.django_db
@pytest.mark.usefixtures("county")
def test_grids_load_from_a_table(tmp_path: Path) -> None:
    file = written(tmp_path, GRIDS)
    assert load_grids(file).loaded == 2
    assert load_grids(file).changed == 0
    first, second = Area.objects.within("330825209220").filter(code__gt="330825209220")
    assert (first.name, first.inner_lon, first.datum) == ("大公村第一网格", 119.1, "WGS84")
    assert second.datum == "GCJ02"
    assert second.inner_lon == pytest.approx(119.2, abs=0.001)


@pytest.mark.django_db
@pytest.mark.usefixtures("county")
def test_wrong_grids_are_refused_with_their_lines(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        GRIDS
        + "330825209220002,重复,119.1,29.1,\n"
        + "33082520922,短,119.1,29.1,\n"
        + "330825209999001,无村,119.1,29.1,\n"
        + "330825209220003,在外,120.1,30.1,\n"
        + "330825209220004,颠倒,29.1,119.1,\n"
        + "330825209220005,基准,119.1,29.1,Pulkovo\n"
        + "330825209220006,,119.1,29.1,\n",
    )
    loaded = load_grids(file)
    assert [(problem.line, problem.wrong) for problem in loaded.problems] == [
        (4, "The code is already on line 3."),
        (5, "The code “33082520922” is not one of 15 digits."),
        (6, "There is no village 330825209999."),
        (7, "The place lies outside its county."),
        (8, "“29.1, 119.1” is no position in degrees."),
        (9, "The datum “Pulkovo” is not known."),
        (10, "The name is empty or longer than 120 signs."),
    ]
    assert (loaded.loaded, loaded.refused) == (0, 7)
    assert (
        not Area.objects.filter(code__startswith="330825209220")
        .exclude(code="330825209220")
        .exists()
    )


def _collection(*features: tuple[str, object]) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"code": code, "name": f"网格{code[-3:]}", "datum": "WGS84"},
                    "geometry": drawn,
                }
                for code, drawn in features
            ],
        }
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("county")
def test_drawn_grids_replace_made_up_shapes(tmp_path: Path) -> None:
    made_up = {"outline": mapping(box(119.3, 29.3, 119.4, 29.4)), "synthetic": True}
    Area.objects.create(code="330825209220009", name="演示", **made_up)
    Area.objects.filter(code__in=["330825209", "330825209220"]).update(**made_up)
    square = mapping(box(119.1, 29.1, 119.2, 29.2))
    file = written(tmp_path, _collection(("330825209220001", square)), name="grids.geojson")
    assert load_grids(file).changed == 1
    assert load_grids(file).changed == 0
    drawn = Area.objects.get(code="330825209220001")
    assert drawn.synthetic is False
    assert drawn.outline is not None
    assert Area.objects.get(code="330825209220009").outline is None
    village = Area.objects.get(code="330825209220")
    assert (village.outline, village.synthetic) == (None, False)


@pytest.mark.django_db
@pytest.mark.usefixtures("county")
def test_a_crossing_outline_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    bow = {
        "type": "Polygon",
        "coordinates": [[[119, 29], [120, 30], [120, 29], [119, 30], [119, 29]]],
    }
    file = written(
        tmp_path,
        _collection(("330825209220001", bow), ("330825209220002", None)),
        name="grids.geojson",
    )
    problems = load_grids(file).problems
    assert [problem.line for problem in problems] == [1, 2]
    assert "Self-intersection" in problems[0].wrong
    broken = written(tmp_path, '{"features": 3}', name="broken.geojson")
    assert load_grids(broken).problems[0].wrong == "This is no GeoJSON collection of features."
