"""Python in the documents runs, page by page from top to bottom."""

from __future__ import annotations

import shutil

import pytest

from lyaopt_cli.main import run
from tests.support.documented import PAGES, ROOT, fences, snippets

WITH_PYTHON = [page for page in PAGES if fences(page, "python")]


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_snippets_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shown = snippets(page)
    if any('load_policy("run")' in snippet for snippet, _ in shown):
        short = ["--preset", "tuned", "--episodes", "2", "--replications", "2"]
        assert run(["train", "balanced", "--out", "run", *short]) == 0
    names = {"__name__": "snippet"}
    capsys.readouterr()
    for number, (snippet, output) in enumerate(shown):
        exec(compile(snippet, f"{page}, snippet {number}", "exec"), names)
        printed = capsys.readouterr().out
        assert "nan" not in printed.split()
        assert output is None or printed == output


def test_output_that_is_shown_is_found():
    shown = {page for page in WITH_PYTHON for _, output in snippets(page) if output is not None}
    assert {"README.md", "tutorials/solve-a-slot.md", "tutorials/write-a-policy.md"} <= shown


def test_snippets_are_found():
    assert len(WITH_PYTHON) >= 12
    assert len(fences("explanation/policies.md", "python")) == 2
