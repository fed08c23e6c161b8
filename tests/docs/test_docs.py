"""The documentation names every command, option, exit status and key, and only tests and files that exist."""

from __future__ import annotations

import re
from dataclasses import fields

import click
import pytest

from lyaopt.benchmark import benchmark_schema, load_suite
from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.learners import LEARNERS, Learner
from lyaopt.experiments.paper_figures import FIGURES
from lyaopt.experiments.results import MEASURES
from lyaopt.experiments.variations import MORE_MODELS
from lyaopt.experiments.waiting import Waiting
from lyaopt.model.scenarios import list_scenarios, load_scenario, scenario_schema
from lyaopt.slot.schemas import DOCUMENTS, json_schema
from lyaopt_cli.main import group
from tests.support.documented import PAGES, ROOT, defined_in, text_of
from tests.support.slot_text import EXAMPLE, keys

CONTEXT = click.Context(group)
COMMANDS = group.list_commands(CONTEXT)


def section(name: str) -> str:
    """The part of docs/reference/commands.md under the heading of a command."""
    text = text_of("reference/commands.md")
    return text.split(f"\n## lyaopt {name}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    command = group.get_command(CONTEXT, name)
    text = section(name)
    for parameter in command.params:
        for spelling in (
            parameter.opts if isinstance(parameter, click.Option) else [parameter.make_metavar(CONTEXT)]
        ):
            assert f"`{spelling}" in text, spelling


def test_every_exit_status_is_documented():
    text = text_of("reference/commands.md")
    assert all(f"| {status} |" in text for status in (0, 1, 2, 130, 141))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_key_is_documented(name):
    text = text_of("reference/formats.md")
    schema = json_schema(name)
    for part in [schema, *schema["$defs"].values()]:
        assert all(f"`{key}`" in text for key in part["properties"])


def test_every_key_of_a_benchmark_is_documented():
    text = text_of("reference/formats.md").split("\n## Benchmark\n", 1)[1].split("\n## ", 1)[0]
    schema = benchmark_schema()
    for part in [schema, *schema["$defs"].values()]:
        assert all(f"`{key}`" in text for key in part["properties"])


def test_every_instance_and_budget_of_the_benchmark_is_documented():
    text, suite = text_of("benchmark.md"), load_suite()
    assert f"## Instances of suite {suite.version}\n" in text
    assert all(f"\n| `{instance.name}` |" in text for instance in suite.instances)
    numbers = (
        (suite.full.replications, suite.full.slots, suite.full.warmup, suite.full.seed),
        (suite.quick.replications, suite.quick.slots, suite.quick.warmup, suite.training_seeds),
    )
    assert all(re.search(rf"\b{number}\b", text) for row in numbers for number in row)
    assert suite.full.search_slots == 200_000_000
    assert "200 million slots" in text
    assert suite.quick.search_slots == 100_000_000
    assert "100 million" in text


def test_every_key_of_a_scenario_is_documented_with_its_default():
    text = text_of("reference/formats.md").split("\n## Scenario\n", 1)[1]
    sections = scenario_schema()["$defs"].values()
    for name, key in [item for section in sections for item in section["properties"].items()]:
        rows = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert rows
        if type(key.get("default")) in (int, float):
            assert f"{key['default']:g}" in [line.split(" | ")[1] for line in rows]


def test_every_key_of_a_sweep_is_documented_with_its_default():
    text = text_of("reference/formats.md").split("\n## Sweep\n", 1)[1].split("\n## ", 1)[0]
    for kind in (Sweep, Measuring, Learner, Waiting):
        for item in fields(kind):
            (row,) = [line for line in text.splitlines() if f"`{item.name}`" in line.split(" | ")[0]]
            assert not isinstance(item.default, int) or str(item.default) in row
    assert all(f"`{name}`" in text for name in LEARNERS)


def test_every_measure_is_documented():
    text = text_of("explanation/statistics.md")
    assert all(f"`{measure}`" in text for measure in MEASURES)


def test_the_chosen_networks_and_ranges_are_those_in_the_document():
    text = text_of("explanation/paper-figures.md").replace("*", "")
    devices = load_scenario("balanced").devices
    for device, more in zip(devices, MORE_MODELS, strict=True):
        models = " | ".join(f"`{model}`" for model in (*(s.model for s in device.services), *more))
        assert f"| {models} |" in text
    for figure in FIGURES.values():
        values = ", ".join(f"{value / figure.unit:g}" for value in figure.values)
        assert not figure.setting or values in text


def test_every_shipped_scenario_is_documented():
    text = text_of("reference/scenarios.md")
    assert all(f"| `{name}` |" in text for name in list_scenarios())


def test_every_path_of_the_example_is_a_documented_key():
    text = text_of("reference/formats.md")
    assert all(f"`{path[-1]}`" in text for path in keys(EXAMPLE))


FILE = re.compile(r"`((?:lyaopt|cli|tests|benchmarks|docs|examples)/[\w./-]+)((?:::[\w.]+)?)`")


@pytest.mark.parametrize("page", PAGES)
def test_files_and_tests_that_are_named_exist(page):
    for path, name in FILE.findall(text_of(page)):
        assert (ROOT / path).exists(), path
        if name:
            assert name[2:] in defined_in(path), name


def test_every_page_is_on_the_site():
    listed = text_of("index.md")
    by_pattern = ("decisions/",)
    others = {"index.md", "README.md", *(page for page in PAGES if page.startswith(by_pattern))}
    assert all(f"\n{page.removesuffix('.md')}\n" in listed for page in PAGES if page not in others)


def test_the_glossary_has_every_term_once():
    rows = [line.split("|")[1:-1] for line in text_of("glossary.md").splitlines() if line.startswith("| ")]
    terms = [row[0].strip() for row in rows if len(row) == 5 and row[0] != " term "]
    assert len(terms) == len(set(terms))
    assert {"slot", "backlog", "multiplier", "price", "threshold", "replication", "workspace"} <= set(terms)


LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    for target in LINK.findall(text_of(page)):
        if "://" not in target:
            assert (PAGES[page].parent / target).exists(), target


SOURCES = [
    path
    for part in ("lyaopt", "cli", "tests", "benchmarks", "examples")
    for path in (ROOT / part).rglob("*.py")
]
NAMED_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")


def test_pages_that_sources_name_exist():
    for path in SOURCES:
        for page in NAMED_PAGE.findall(path.read_text()):
            assert (ROOT / page).is_file(), (path, page)


def test_every_erratum_names_a_test():
    errata = re.split(r"\n\*\*\d+\. ", text_of("explanation/errata.md"))[1:]
    assert len(errata) == 11
    assert all("*Here*" in erratum and "`tests/" in erratum for erratum in errata)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "Makefile", "docs/reference/core.md"])
def test_the_time_that_a_build_takes_is_the_same_everywhere(name):
    """Kernels compiled at the first call take some minutes, too; no file says that it is one."""
    text = (ROOT / name).read_text()
    assert "one to two minutes on two cores" in " ".join(text.split())
    assert not re.search(r"(up to|about) a minute|a minute or two", text)
