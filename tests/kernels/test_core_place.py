"""Of the cores in a wheel the best one that this processor runs is taken, up to ``LYAOPT_LEVEL``."""

from __future__ import annotations

import json

import pytest

from lyaopt._kernels.toolchain.core_place import core_place
from lyaopt._kernels.toolchain.targets import required_flags, targets

LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


def offered(level):
    """A processor that reaches a level and no more."""
    return lambda: frozenset(required_flags(level, frozenset()))


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.delenv("LYAOPT_LEVEL", raising=False)
    for level in LEVELS:
        folder = tmp_path / "_cores" / level
        folder.mkdir(parents=True)
        flags = sorted(required_flags(level, frozenset()))
        (folder / "_core.json").write_text(json.dumps({"processor_flags": flags}))
    return tmp_path


@pytest.mark.parametrize("level", LEVELS)
def test_the_best_level_that_the_processor_reaches(package, level):
    assert core_place(package, offered(level)).name == level


@pytest.mark.parametrize("limit", LEVELS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_limit_is_not_exceeded(package, monkeypatch, level, limit):
    monkeypatch.setenv("LYAOPT_LEVEL", limit)
    assert core_place(package, offered(level)).name == min(level, limit)


def test_a_processor_below_all_levels_gets_the_lowest_which_says_what_is_missing(package):
    assert core_place(package, frozenset).name == LEVELS[0]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_description_is_passed_over(package, content):
    (package / "_cores" / LEVELS[2] / "_core.json").write_text(content)
    assert core_place(package, offered(LEVELS[2])).name == LEVELS[1]


def test_a_core_of_the_package_itself_goes_first_unless_a_level_is_asked_for(package, monkeypatch):
    (package / "_core.json").write_text("{}")
    assert core_place(package, offered(LEVELS[2])) == package
    monkeypatch.setenv("LYAOPT_LEVEL", LEVELS[1])
    assert core_place(package, offered(LEVELS[2])).name == LEVELS[1]


def test_without_levels_the_core_is_in_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("LYAOPT_LEVEL", raising=False)
    assert core_place(tmp_path, frozenset) == tmp_path


def test_a_level_that_was_not_built_is_an_error(package, tmp_path, monkeypatch):
    monkeypatch.setenv("LYAOPT_LEVEL", "x86-64-v9")
    with pytest.raises(ImportError, match="LYAOPT_LEVEL: expected one of x86-64-v4, x86-64-v3, x86-64-v2"):
        core_place(package, frozenset)
    with pytest.raises(ImportError, match="expected one of none"):
        core_place(tmp_path / "nothing", frozenset)


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", list(LEVELS)), ("aarch64", ["generic"])])
def test_portable_is_all_levels_of_an_architecture(monkeypatch, machine, expected):
    monkeypatch.setenv("LYAOPT_TARGET", "portable")
    monkeypatch.setattr("lyaopt._kernels.toolchain.targets.platform.machine", lambda: machine)
    assert targets() == expected


def test_each_level_needs_what_the_one_below_needs():
    needed = [required_flags(level, frozenset()) for level in LEVELS]
    assert needed[0] < needed[1] < needed[2]
