"""Names and values from files keep their place in every table, and never become markup or formulas."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict
from html import unescape
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pytest

from lyaopt.experiments import tables
from lyaopt.experiments.definition import parse_sweep
from lyaopt.experiments.definition_text import definition_text
from lyaopt.experiments.figures import draw_sweep
from lyaopt.experiments.horizontal import axis_of, label_of
from lyaopt.experiments.outputs import write_tables
from lyaopt.experiments.panel import draw_panel
from lyaopt.experiments.paper_figures import FIGURES, parts
from lyaopt.experiments.report import page
from lyaopt.experiments.results import Results, load_results
from lyaopt.experiments.statistics import Run
from lyaopt.experiments.store import Store
from lyaopt.experiments.sweeps import experiment_document
from lyaopt.io.text_tables import csv_cell, markdown_table, markdown_text
from lyaopt.model.scenarios import load_scenario
from tests.experiments.synthetic import measured, reproduction

HOSTILE = (
    "a|b",
    "a\\|b",
    "two\nlines | and a cell",
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    "@SUM(1)",
    "+1|cmd",
    "-1+1",
    "[a](javascript:b)",
    "**bold** _x_ `code`",
    "&lt;b&gt;",
    "$\\frac{$",
    "_hidden",
    '" onload="x',
    "\r\n=1",
)


class Cells(HTMLParser):
    """Rows of the tables of a page, tags and attributes."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.attributes, self.inside = [], set(), set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def parsed_markdown(text):
    """Cells of a Markdown table as GFM splits it, with escapes undone."""
    lines = [re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1] for line in text.splitlines()]
    return [[unescape(re.sub(r"\\(.)", r"\1", cell.strip())) for cell in line] for line in lines]


def renamed(store, setting, number):
    """A sweep with a policy of each hostile name, and such names and numbers in all other fields."""
    reproduction(store, lambda cell, point: 1e-3, figures=("fig7",), seeds=1)
    document = json.loads((store.path / "experiment.json").read_text())
    sweep = document["sweeps"][0]
    definition = sweep["definition"]
    sweep |= {"figure": None, "name": setting}
    sweep["points"] = [{setting: setting} for _ in sweep["points"]]
    of_middle = [cell for cell in sweep["cells"] if cell["policy"] == "middle"]
    others = [cell for cell in sweep["cells"] if cell["policy"] in ("best-fixed", "lyappo")]
    sweep["cells"] = others + [{**cell, "policy": name} for name in HOSTILE for cell in of_middle]
    definition |= {"policies": ["best-fixed", "lyappo", *HOSTILE], "scenario": setting}
    definition |= {"vary": {setting: [setting]}, "training_seeds": number}
    definition["evaluation"] = dict.fromkeys(definition["evaluation"], number)
    changed = {"algorithm": setting, "ranges": {setting: [0.0, number]}, "decisions": number}
    definition["learners"] = {setting: {**definition["learners"]["lyappo"], **changed}}
    document |= {"command": setting, "configuration": number, "commit": number, "versions": {setting: number}}
    store.write_document(document)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return renamed(Store(tmp_path_factory.mktemp("made") / "all"), "|".join(HOSTILE), "".join(HOSTILE))


def flat(rows):
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def test_names_and_numbers_are_text_of_the_page(store):
    results = load_results(store)[1][0]
    seen = Cells(page(store))
    assert not {"script", "img", "b"} & seen.tags
    assert not {attribute for attribute in seen.attributes if attribute.startswith("on")}
    wide = [row for row in seen.rows if len(row) == len(tables.head(results))]
    assert flat(wide) == flat([tables.head(results), *tables.shown_rows(results)])
    assert {" ".join(name.split()) for name in HOSTILE} <= {row[1] for row in flat(wide)}


def test_names_stay_in_their_cells_of_markdown(store):
    write_tables(store)
    results = load_results(store)[1][0]
    lines = (store.path / "tables.md").read_text().splitlines()
    found = parsed_markdown("\n".join(line for line in lines if line.startswith("|")))
    assert found[:1] + found[2:] == flat([tables.head(results), *tables.shown_rows(results)])
    assert not re.search(r"<[a-z/]", "\n".join(lines))


@pytest.mark.parametrize("setting", ["=HYPERLINK(1)", "@SUM(1)", "+1|cmd", "-1+1", "\t=1"])
def test_names_are_no_formulas_of_spreadsheets(tmp_path, setting):
    store = renamed(Store(tmp_path / "made"), setting, 1)
    results = load_results(store)[1]
    text = tables.csv_text(results)
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            number = re.fullmatch(r"-?\d[\d.e+-]*", cell)
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    held = list(csv.DictReader(io.StringIO(text, newline="")))
    points = len(results[0].points)
    for name in HOSTILE:
        assert [row["policy"] for row in held].count(csv_cell(name)) == points
    assert {row[csv_cell(setting)] for row in held} == {csv_cell(setting)}


def test_pictures_show_names_as_they_are(store):
    drawn = draw_sweep(load_results(store)[1][0]).decode()
    words = unescape(" ".join(re.findall(r"<!-- (.*?) -->", drawn, re.DOTALL)))
    for name in HOSTILE:
        if "--" not in name:
            assert " ".join(name.split()).replace("$", "") in words.replace("\\$", "").replace("$", "")


def test_cells_of_markdown_hold_any_text():
    rows = [[first, second] for first in HOSTILE for second in HOSTILE]
    text = markdown_table(["a", "|"], rows)
    head, _, *found = parsed_markdown(text)
    assert head == ["a", "|"]
    assert found == [[" ".join(cell.split()) for cell in row] for row in rows]
    assert markdown_text("energy_weight k / K, 3 %") == "energy_weight k / K, 3 %"
    with pytest.raises(ValueError, match="expected 2 cells, got 1"):
        markdown_table(["a", "b"], [["a"]])


def test_numbers_of_csv_stay_numbers():
    assert [csv_cell(value) for value in (-1.0, 3, None)] == [-1.0, 3, None]


@pytest.mark.parametrize("name", FIGURES)
def test_a_definition_reads_back_as_it_was(name):
    (part,) = parts((name,), load_scenario("balanced"), "balanced", quick=True, training_seeds=2)
    (document,) = experiment_document([part], "lyaopt")["sweeps"]
    definition = document["definition"]
    definition["vary"] |= {"channel.shadowing_std_db": [0.0, 1e-7], "spectrum": ["separate"]}
    definition["name"] = 'a "b"\n\x7f'
    again = asdict(parse_sweep(definition_text(definition)))
    given = {name: value for name, value in again.items() if value is not None}
    assert json.loads(json.dumps(given)) == json.loads(json.dumps(definition))


@pytest.mark.parametrize(
    ("setting", "largest", "label", "unit"),
    [
        ("edge_capacity_hz", 2e10, "edge capacity, GHz", 1e9),
        ("bandwidth_hz", 5e5, "bandwidth, kHz", 1e3),
        ("max_power_w", 0.5, "max power, W", 1.0),
        ("max_power_w", 0.05, "max power, mW", 1e-3),
        ("slot_duration_s", 0.01, "slot duration, ms", 1e-3),
        ("arrivals.busy_duration_s", 7200.0, "arrivals busy duration, s", 1.0),
        ("channel.walk_m_per_sqrt_s", 2.0, "channel walk, m/√s", 1.0),
        ("distance_m", 2000.0, "distance, m", 1.0),
        ("noise_psd_dbm_per_hz", 174.0, "noise psd, dBm/Hz", 1.0),
        ("energy_weights", 1e4, "energy weights", 1.0),
        ("waiting_cost_j_per_s", 0.0, "waiting cost, J/s", 1.0),
    ],
)
def test_axes_have_units_in_which_values_are_short(setting, largest, label, unit):
    assert label_of(setting, largest) == (label, unit)


def swept(vary):
    points = [dict(zip(vary, values, strict=True)) for values in product(*vary.values())]
    results = Results("made", None, points, ["middle"], {"policies": ["middle"], "learners": {}})
    runs = [Run(None, measured(1e-3 * (1 + number))) for number in range(len(points))]
    results.runs.update({("middle", number): [run] for number, run in enumerate(runs)})
    return results


@pytest.mark.parametrize("values", [["separate", "shared"], [True, False], [None, "1"]])
def test_settings_that_are_no_numbers_are_places_with_names(values):
    results = swept({"spectrum": values})
    along = axis_of(results)
    assert along.words == tuple(map(str, values))
    assert along.places.tolist() == [0.0, 1.0]
    assert str(values[0]) in re.sub(
        r"<!-- (.*?) -->", r"\1", draw_panel(results, "energy_j", 1.0).svg.decode()
    )


def test_a_grid_is_a_line_for_each_value_of_the_other_settings():
    along = axis_of(swept({"bandwidth_hz": [1e6, 2e6], "max_power_w": [0.1, 0.2, 0.3]}))
    assert [line.tolist() for line in along.lines] == [[0, 3], [1, 4], [2, 5]]
    assert all(np.unique(along.places[line]).size == 2 for line in along.lines)
