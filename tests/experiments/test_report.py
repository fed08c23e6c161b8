"""The report: self-contained, well formed, and readable in wide and narrow windows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from lyaopt.experiments.figures import PANELS, draw_curves, draw_sweep
from lyaopt.experiments.paper_figures import FIGURES
from lyaopt.experiments.price_figures import price_parts
from lyaopt.experiments.report import page
from lyaopt.experiments.results import load_results
from lyaopt.experiments.store import Store
from lyaopt.experiments.trends import trends_of
from lyaopt.model.scenarios import load_scenario
from lyaopt_cli.main import run
from tests.experiments.synthetic import OVER_BOUND, reproduction, write
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
    assert seen.tags.count("svg") == 1 + 4 * (len(PANELS) + 1)  # and the plane of latency and energy


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


def test_the_page_says_how_far_each_policy_is_above_the_bound(text):
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text)
    heads = [row for row in rows if "over bound" in row]
    assert len(heads) == 5  # of the numbers of each sweep
    place = re.findall(r"<th[^>]*>(.*?)</th>", heads[1]).index("over bound")
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    width = len(re.findall("<th", heads[1]))
    of_middle = [row[place] for row in cells if len(row) == width and row[1] == "Fix-Cov"]
    assert of_middle
    assert all(value.startswith(f"{OVER_BOUND:.3g} (") for value in of_middle)
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
@pytest.mark.parametrize("width", [1400, 420])
def test_a_browser_shows_it_without_scrolling_sideways(text, tmp_path, width):
    """The page measures itself: nothing is wider than the window, and every drawing has a size."""
    probe = (
        "<script>addEventListener('load', () => { const d = document.documentElement; "
        "const small = [...document.querySelectorAll('svg')].filter(s => "
        "s.getBoundingClientRect().width < 250 || s.getBoundingClientRect().height < 100).length; "
        "const font = [...document.querySelectorAll('p, td, figcaption')].map(e => "
        "parseFloat(getComputedStyle(e).fontSize)); "
        "document.title = [d.clientWidth, d.scrollWidth, small, Math.min(...font)].join(' '); });</script>"
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
    window, content, small, font = map(float, body.split())
    assert window == width
    assert content <= window
    assert small == 0
    assert font >= 13.0


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
