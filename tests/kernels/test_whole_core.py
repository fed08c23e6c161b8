"""A core whose file was damaged is not loaded: a file cut short would end the process with SIGBUS."""

from __future__ import annotations

import pytest

from lyaopt._kernels.toolchain import core_choice
from lyaopt._kernels.toolchain.core_choice import fingerprint, is_whole

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def core(tmp_path, monkeypatch):
    path = tmp_path / "_core.so"
    path.write_bytes(CONTENT)
    monkeypatch.setattr(core_choice, "extension_file", lambda: path)
    return path, {"file": fingerprint(path)}


def test_the_file_that_was_built_is_whole(core):
    assert is_whole(core[1])
    assert core[1]["file"]["bytes"] == len(CONTENT)


@pytest.mark.parametrize("length", [0, 1, 100, len(CONTENT) // 2, len(CONTENT) - 1])
def test_a_file_cut_short_is_not(core, length):
    path, about = core
    path.write_bytes(CONTENT[:length])
    assert not is_whole(about)


@pytest.mark.parametrize("place", [0, 5, 2**14 - 1, -1, -5, -(2**14)])
def test_other_ends_are_not(core, place):
    path, about = core
    damaged = bytearray(CONTENT)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    assert not is_whole(about)


def test_nothing_there_is_not(core):
    path, about = core
    path.unlink()
    assert not is_whole(about)


def test_a_damaged_core_is_not_imported(core, monkeypatch):
    path, about = core
    path.write_bytes(CONTENT[:-1])
    monkeypatch.setattr(core_choice, "usable", lambda sources: (about, ""))
    monkeypatch.setattr(core_choice.importlib, "import_module", lambda name: pytest.fail("it was loaded"))
    monkeypatch.delenv("LYAOPT_BOUNDSCHECK", raising=False)
    assert core_choice._built("") == ({}, None, "the file of the built core is damaged")
