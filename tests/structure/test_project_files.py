"""Files about the project agree with it: citation, hooks, bounds of versions, guides for contributors."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from lyaopt import __version__
from tests.structure.source_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
DECISIONS = ROOT / "docs" / "decisions"
GUIDES = [ROOT / "CONTRIBUTING.md", ROOT / "RELEASING.md", *sorted(DECISIONS.glob("*.md"))]
PINNED = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
)


def requirement(name: str, texts: list[str]) -> Requirement:
    (match,) = [Requirement(text) for text in texts if Requirement(text).name == name]
    return match


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert (citation["cff-version"], citation["type"], citation["title"]) == ("1.2.0", "software", "lyaopt")
    assert citation["license"] == PROJECT["project"]["license"]
    assert set(PROJECT["project"]["keywords"]) >= set(citation["keywords"])
    (paper,) = citation["references"]
    written = re.sub(r"\s*\n> ", " ", (paper_page()).read_text())
    assert paper["title"] in written
    assert all(f"{author['given-names']} {author['family-names']}" in written for author in paper["authors"])


def paper_page() -> Path:
    """The page that names the paper."""
    (page,) = [page for page in (ROOT / "docs").rglob("model.md") if "arxiv.org" in page.read_text()]
    return page


def test_hooks_are_local_and_those_of_make_lint():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    checks = {line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in recipe.splitlines()}
    entries = {hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in hooks}
    assert {check.replace("--check .", "--check") for check in checks} == entries


# --- Numba, see docs/decisions/0001-numba-ahead-of-time.md

PYCC = """
import warnings
from numba.core.errors import NumbaDeprecationWarning
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import numba.pycc
print([str(warning.message) for warning in caught if issubclass(warning.category, NumbaDeprecationWarning)])
"""


def test_numba_has_the_same_bound_for_build_and_run():
    built = requirement("numba", PROJECT["build-system"]["requires"])
    runs = requirement("numba", PROJECT["project"]["dependencies"])
    assert built.specifier == runs.specifier
    assert any(bound.operator == "<" for bound in runs.specifier)
    assert PINNED["numba"] in runs.specifier
    (record,) = DECISIONS.glob("0001-*.md")
    assert ",".join(sorted(str(runs.specifier).split(","), reverse=True)) in record.read_text()


def test_wheels_hold_every_shipped_data_file():
    packed = {item.distribution_path for item in WheelBuilder(str(ROOT)).recurse_included_files()}
    data = {str(path.relative_to(ROOT)) for path in ROOT.glob("lyaopt/**/data/*") if path.is_file()}
    assert {"lyaopt/model/cpus/data/rk3399_a72.json", "lyaopt/model/profiles/data/alexnet.json"} <= data
    assert data <= packed


def test_pycc_is_not_deprecated_yet():
    """If this fails, pycc may be removed two releases later: review the bound of Numba and the record."""
    done = subprocess.run([sys.executable, "-c", PYCC], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- guides

_PATH = re.compile(r"`((?:lyaopt|cli|tests|benchmarks|docs|\.ci)/[\w./-]+)`")


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_files_that_guides_name_exist(page):
    text = page.read_text()
    missing = [path for path in _PATH.findall(text) if "NAME" not in path and not (ROOT / path).exists()]
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    missing += [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_targets_that_guides_name_exist(page):
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:\$ |`)make ([a-z]+)", page.read_text())) <= targets


def test_every_folder_has_a_line_in_the_guide():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    tops = [ROOT / "lyaopt", ROOT / "lyaopt" / "_kernels", ROOT / "cli" / "lyaopt_cli"]
    folders = [path.parent.relative_to(ROOT) for top in tops for path in top.glob("*/__init__.py")]
    assert len(folders) > 15
    assert not [str(folder) for folder in folders if f"`{folder}`" not in text]


def test_every_decision_is_in_the_index():
    index = (DECISIONS / "index.md").read_text()
    records = sorted(DECISIONS.glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        assert f"({record.name})" in index
        parts = re.findall(r"^## (\w+)", record.read_text(), re.MULTILINE)
        assert {"Context", "Decision", "Consequences"} <= set(parts), record.name
        assert re.search(r"^## (Alternatives|What replaces)", record.read_text(), re.MULTILINE)


def test_the_guide_names_decorators_that_exist():
    named = re.search(r"Decorate helpers with (.*?) of\s", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[
        1
    ]
    decorators = set(re.findall(r"`(\w+)`", named))
    source = (ROOT / "lyaopt" / "_kernels" / "toolchain" / "jit.py").read_text()
    assert decorators == set(re.findall(r"^def ([a-z]\w*)\(function", source, re.MULTILINE))
