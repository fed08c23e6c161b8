"""The report: self-contained, well formed, and readable in wide and narrow windows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from lyaopt.experiments.definition import parse_sweep
from lyaopt.experiments.figures import PANELS, draw_curves, draw_sweep
from lyaopt.experiments.panel import draw_panel
from lyaopt.experiments.paper_figures import FIGURES
from lyaopt.experiments.price_figures import price_parts
from lyaopt.experiments.report import page
from lyaopt.experiments.results import Results, load_results
from lyaopt.experiments.shades import mark_of
from lyaopt.experiments.statistics import Run
from lyaopt.experiments.store import Store
from lyaopt.experiments.sweeps import Part
from lyaopt.experiments.trends import trends_of
from lyaopt.model.profiles import format_profile, load_profile
from lyaopt.model.scenarios import load_scenario, scenario_text, scenario_to_dict
from lyaopt_cli.main import run
from tests.experiments.synthetic import OVER_BOUND, measured, reproduction, write
from tests.support.slot_text import command

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=3000",
)
FACTORS = {"lyappo": 0.5, "lyappo-once": 0.6, "best-fixed": 0.5, "ppo-joint": 0.4, "ddpg": 1.0}


def spent(cell, point):
    where = cell.points[0] if len(cell.points) == 1 else point
    return 1e-3 * (FACTORS.get(cell.policy, 2.0) + 0.001 * (cell.seed or 0)) * 0.9**where


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = Store(tmp_path_factory.mktemp("made") / "all")
    reproduction(found, spent, figures=("fig3", "fig4", "fig5", "fig6", "fig7"))
    return found


@pytest.fixture(scope="module")
def text(store):
    return page(store)


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.links, self.ids = [], [], [], []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "path", "use", "image", "rect", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_needs_nothing_but_itself_and_is_well_formed(text):
    seen = Seen(text)
    assert seen.open == []
    assert all(link.startswith("#") for link in seen.links)
    assert "@import" not in text
    assert "url(http" not in text
    assert "script" not in seen.tags
    # Links within the page resolve; drawings share only ids with equal contents.
    assert {link.removeprefix("#") for link in seen.links} <= set(seen.ids)
    # Of each sweep one at the beginning, and the plane of latency and energy.
    assert seen.tags.count("svg") == 5 + 1 + 4 * (len(PANELS) + 1)


def test_the_page_has_the_results_and_the_command(store, text):
    assert "lyaopt reproduce &lt;all&gt; &amp; more" in text
    for words in ("+12.0", "+56.6", "LyaPPO", "DDPG-Cov", "Random-Cov", "Fix-Cov", "lower bound", "held"):
        assert words in text, words
    trends = sum(len(figure.trends) for figure in FIGURES.values())
    verdicts = {words: text.count(f">{words}<") for words in ("held", "not held", "no change")}
    assert sum(verdicts.values()) == 5 + 4 * 4 + trends
    assert verdicts["no change"] > 0  # of what is the same at all points
    numbers = [int(number) for number in re.findall(r"Of \d+ [a-z ]+, (\d+) hold", text)]
    assert sum(numbers) == text.count(">held<")
    assert "One training over the whole range took" in text
    assert text == page(store)


def test_the_page_opens_with_a_picture_and_a_sentence_of_each_sweep(text):
    opening = text[text.index("<h1>") : text.index("<h2")]
    figures = re.findall(r"<figure.*?</figure>", opening, re.DOTALL)
    assert [re.search(r"<figcaption>(Fig. \d)", figure)[1] for figure in figures] == [
        f"Fig. {number}" for number in (3, 4, 5, 6, 7)
    ]
    assert all(len(re.findall(r"</svg>.*?<p>[^<]+\.</p>", figure, re.DOTALL)) == 1 for figure in figures)
    # 0.5, 0.4 and 1 mJ at the first of three points, and 0.9 times as much at each further one.
    assert "Least energy per slot at 3 of 3 points: PPO (joint), 0.422 mJ at the first" in figures[2]
    assert text.index("<table") > text.index('id="fig3"')
    assert text.index('id="claims"') > text.index('id="fig7"')


def test_the_page_says_how_to_run_it_again(text):
    part = text[text.index('id="settings"') :]
    commands = unescape(re.search(r"<pre>(.*?)</pre>", part, re.DOTALL)[1]).splitlines()
    assert re.fullmatch(r"git checkout (unknown|[0-9a-f]{40})  # in a clone of lyaopt", commands[0])
    assert commands[1].startswith("python -m pip install '.[plot,train]'")
    assert commands[2:] == ["lyaopt reproduce <all> & more", "lyaopt report DIR"]
    definitions = re.findall(r"for lyaopt sweep</summary><pre>(.*?)</pre>", part, re.DOTALL)
    assert [parse_sweep(unescape(one)).name for one in definitions] == [f"fig{n}" for n in range(3, 8)]


def test_the_page_holds_a_scenario_of_ones_own_and_its_profiles(tmp_path, monkeypatch):
    """Saved under the names that the page gives, they make the system that the sweep was run with."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "<own>.json").write_text(format_profile(load_profile("resnet18")))
    text = scenario_text("balanced").replace('model = "alexnet"', 'model = "nets/<own>.json"', 1)
    assert "<own>" in text
    (tmp_path / "a & b.toml").write_text(text.replace("slots_per_period = 10", "slots_per_period = 7"))
    sweep = parse_sweep('name = "mine"\nscenario = "a & b.toml"\npolicies = ["middle"]\n')
    system = load_scenario("a & b.toml")
    write(Store(tmp_path / "made"), [Part(sweep, system)], spent)
    shown = page(Store(tmp_path / "made"))
    assert "needed as well" not in shown
    other = tmp_path / "other"
    (other / "nets").mkdir(parents=True)
    kept = re.findall(r"<summary>([^<]*), as it was read</summary><pre>(.*?)</pre>", shown, re.DOTALL)
    assert [unescape(name) for name, _ in kept] == ["a & b.toml", "nets/<own>.json"]
    for name, content in kept:
        (other / unescape(name)).write_text(unescape(content))
    monkeypatch.chdir(other)
    again = load_scenario("a & b.toml")
    assert scenario_to_dict(again) == scenario_to_dict(system)
    assert np.array_equal(again.local_cycles, system.local_cycles)


def swept(**energies):
    """A sweep of three points with these energies in mJ; what ends in "bound" is a bound."""
    definition = {"waiting": {name: {"policy": "bound"} for name in energies if name.endswith("bound")}}
    results = Results("made", None, [{"max_power_w": 0.1 * k} for k in (1, 2, 3)], list(energies), definition)
    for name, values in energies.items():
        for point, value in enumerate(values):
            results.runs[name, point] = [Run(None, measured(1e-3 * value, factors=(1.0, 1.0)))]
    return results


def test_lines_that_coincide_are_told():
    one = (1.0, 2.0, 3.0)
    drawn = draw_panel(swept(a=one, b=(1.001, 2.0, 3.0), c=(3.0, 2.0, 1.0), d=one), "energy_j", 1e3)
    assert drawn.notes == ["one line: a = b = d"]
    assert draw_panel(swept(a=one, c=(3.0, 2.0, 1.0)), "energy_j", 1e3).notes == []
    # On a logarithmic axis, what is the same there counts.
    wide = draw_panel(swept(a=(1.0, 9.0, 99.0), b=(1.2, 9.0, 99.0), c=(1.001, 9.0, 99.0)), "energy_j", 1e3)
    assert wide.notes == ["one line: a = c"]
    assert {mark_of(swept(a=one, b=one, middle=one), name) for name in "ab"} == {"X", "*"}


def test_a_bound_far_below_does_not_stretch_the_axis():
    energies = {"a": (1.0, 9.0, 99.0), "b": (2.0, 8.0, 50.0)}
    near = draw_panel(swept(**energies, bound=(0.5, 0.6, 0.7)), "energy_j", 1e3)
    assert near.notes == []
    far = draw_panel(swept(**energies, a_bound=(1e-6, 2e-6, 4e-6)), "energy_j", 1e3)
    assert far.notes == ["below the axis: a_bound, 1e-06 to 4e-06"]
    alone = draw_panel(swept(**energies), "energy_j", 1e3)
    ticks = [re.findall(r"<!-- (.*?) -->", drawn.svg.decode()) for drawn in (far, alone)]
    assert ticks[0] == ticks[1]


def test_the_page_says_how_far_each_policy_is_above_the_bound(text):
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text)
    heads = [row for row in rows if "over bound" in row]
    assert len(heads) == 5  # of the numbers of each sweep
    place = re.findall(r"<th[^>]*>(.*?)</th>", heads[1]).index("over bound")
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    width = len(re.findall("<th", heads[1]))
    of_middle = [row[place] for row in cells if len(row) == width and row[1] == "Fix-Cov"]
    assert of_middle
    assert all(value.startswith(f"{OVER_BOUND:.3g} <span>(") for value in of_middle)
    assert text.count("least of any policy, last point") == 4


def test_figures_by_prices_are_judged_by_their_own_trends(tmp_path):
    """The rule at a latency is judged like LyaPPO, at a waiting cost also by energy and waiting."""
    store = Store(tmp_path / "made")
    parts = price_parts(load_scenario("balanced"), "balanced", quick=True, latencies_s=(0.4,))
    write(store, parts, spent)
    found = {results.figure: results for results in load_results(store)[1]}
    assert list(found) == ["fig4-prices", "fig5-prices", "fig6-prices", "fig7-prices"]
    claims = {verdict.claim: verdict for verdict in trends_of(found["fig5-prices"])}
    assert claims["price at 0.4 s: energy falls"].held
    assert claims["price rule: energy falls"].held
    assert claims["price rule: the local backlog falls"].words == "no change"
    assert len([claim for claim in claims if claim.startswith("price at 0.4 s")]) == len(
        [trend for trend in FIGURES["fig5"].trends if trend.policy == "lyappo"]
    )
    text = page(store)
    assert "Fig. 5 by prices: Speed of the devices" in text
    assert "least at 0.4 s" in text
    assert "LyaPPO saves" not in text
    drawn = draw_sweep(found["fig5-prices"])
    assert drawn.startswith(b"<?xml")


def test_the_command_writes_the_page_without_unfinished_cells(store, tmp_path, capsys):
    folder = shutil.copytree(store.path, tmp_path / "some")
    for file in sorted((folder / "cells").iterdir())[::3]:
        file.unlink()
    assert run(["report", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert "unfinished cells are left out" in (folder / "report.html").read_text()
    assert run(["report", str(folder), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text() == (folder / "report.html").read_text()


def test_a_finished_reproduction_only_writes_its_outputs(store, tmp_path, capsysbinary):
    folder = shutil.copytree(store.path, tmp_path / "some")
    before = {file.name: file.stat().st_ino for file in (folder / "cells").iterdir()}
    arguments = ["reproduce", "fig5", "fig7", "--quick", "--training-seeds", "3", "--out", str(folder)]
    assert run([*arguments, "--json"]) == 0
    rows = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert {row["sweep"] for row in rows} == {"fig5", "fig7"}
    assert {file.name: file.stat().st_ino for file in (folder / "cells").iterdir()} == before
    assert "Fig. 7" in (folder / "report.html").read_text()
    assert (folder / "tables.csv").exists()
    tables = (folder / "tables.md").read_text()
    assert tables.startswith("# The paper's figures, reproduced\n\n## Fig. 5: ")
    assert tables.count("| LyaPPO saves ") == 8
    assert {file.name for file in folder.glob("*.svg")} == {"fig5.svg", "fig7.svg"}
    assert run(arguments) == 0
    text = capsysbinary.readouterr().out.decode()
    assert text.endswith(f"0 of them computed now; tables in {folder}\n")
    assert not {"{", "…", "\x1b"} & set(text)
    assert run(["reproduce", "fig8", "--out", str(folder)]) == 2


def test_a_folder_without_an_experiment_is_refused_in_one_line(tmp_path, capsys):
    assert run(["report", str(tmp_path / "none")]) == 2
    assert run(["report", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "expected the folder of a sweep or reproduction" in lines[0]


def test_names_from_outside_cannot_break_the_page(tmp_path):
    store = Store(tmp_path / "made")
    reproduction(store, spent, figures=("fig7",))
    document = json.loads((store.path / "experiment.json").read_text())
    document["sweeps"][0]["figure"] = None
    document["sweeps"][0]["name"] = '<script>alert("x")</script>'
    store.write_document(document)
    seen = Seen(page(store))
    assert "script" not in seen.tags
    assert '<script>alert("x")</script>' in "".join(seen.texts)


def test_one_training_seed_is_called_what_it_is(tmp_path, text):
    store = Store(tmp_path / "made")
    reproduction(store, spent, figures=("fig7",), seeds=1)
    assert "With one training seed" in page(store)
    assert "With one training seed" not in text


def test_figures_can_be_drawn_alone(store):
    found = {results.figure: results for results in load_results(store)[1]}
    assert draw_curves(found["fig3"]).startswith(b"<?xml")
    assert draw_sweep(found["fig6"]) == draw_sweep(found["fig6"])


@pytest.mark.skipif(BROWSER is None, reason="no browser is installed; its text is checked above")
@pytest.mark.parametrize("width", [1400, 375])
def test_a_browser_shows_it_without_scrolling_sideways(text, tmp_path, width):
    """The page measures itself: nothing is wider than the window, and every drawing has a size."""
    probe = (
        "<script>addEventListener('load', () => { const d = document.documentElement; "
        "const small = [...document.querySelectorAll('svg')].filter(s => "
        "s.getBoundingClientRect().width < 250 || s.getBoundingClientRect().height < 100).length; "
        "const font = [...document.querySelectorAll('p, td, figcaption')].map(e => "
        "parseFloat(getComputedStyle(e).fontSize)); "
        "document.querySelectorAll('details').forEach(e => e.open = true); "
        "const boxes = [...document.querySelectorAll('.wide, .drawn')].filter(e => "
        "e.scrollWidth > e.clientWidth); const told = boxes.filter(e => e.previousElementSibling && "
        "e.previousElementSibling.className === 'sign' && e.previousElementSibling.offsetHeight > 0).length; "
        "const cut = [...document.querySelectorAll('svg')].filter(s => { const a = "
        "s.getBoundingClientRect(); return [...s.querySelectorAll('text')].some(t => { const b = "
        "t.getBoundingClientRect(); return b.left < a.left - 1 || b.right > a.right + 1; }); }).length; "
        "document.title = [d.clientWidth, d.scrollWidth, small, Math.min(...font), boxes.length, told, cut]"
        ".join(' '); });</script>"
    )
    # Headless windows have a minimum width; frames have none.
    inner, outer = tmp_path / "inner.html", tmp_path / "outer.html"
    inner.write_text(text.replace("</body>", probe + "</body>"))
    outer.write_text(
        f'<iframe src="inner.html" width="{width}" height="900" style="border: 0"></iframe><script>'
        "addEventListener('load', () => setTimeout(() => { document.body.id = 'measured'; "
        "document.body.textContent = frames[0].document.title; }, 500));</script>"
    )
    done = subprocess.run(
        [
            BROWSER,
            *FLAGS,
            "--allow-file-access-from-files",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1600,1000",
            "--dump-dom",
            outer.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    body = done.stdout.split('id="measured">')[1].split("<")[0]
    window, content, small, font, scrolled, told, cut = map(float, body.split())
    assert window == width
    assert content <= window
    assert small == 0
    assert font >= 13.0
    assert told == scrolled  # with a sign above what is wider than the window
    assert scrolled == 0 or width < 1000
    assert cut == 0


def test_a_reproduction_without_matplotlib_is_refused_before_it_begins(tmp_path):
    out = tmp_path / "out"
    done = subprocess.run(
        command("reproduce", "fig4", "--quick", "--out", str(out)),
        env=os.environ | {"MPLBACKEND": "paper"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert not out.exists()
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("lyaopt reproduce: matplotlib cannot start: ")
