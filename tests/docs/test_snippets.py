"""Python in the documents runs, page by page, as a reader would who types it in from top to bottom."""

from __future__ import annotations

import shutil

import pytest

from lyaopt_cli.main import run
from tests.support.documented import PAGES, ROOT, fences

WITH_PYTHON = [page for page in PAGES if fences(page, "python")]


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_snippets_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    snippets = fences(page, "python")
    if any('load_policy("run")' in snippet for snippet in snippets):
        short = ["--preset", "tuned", "--episodes", "2", "--replications", "2"]
        assert run(["train", "balanced", "--out", "run", *short]) == 0
    names = {"__name__": "snippet"}
    for number, snippet in enumerate(snippets):
        exec(compile(snippet, f"{page}, snippet {number}", "exec"), names)
        assert "nan" not in capsys.readouterr().out.split()


def test_snippets_are_found():
    assert len(WITH_PYTHON) >= 8
    assert len(fences("policies.md", "python")) == 3
