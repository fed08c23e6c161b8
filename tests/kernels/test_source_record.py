"""What a start remembers of the kernel sources: it holds until a file changes, and not a moment longer."""

from __future__ import annotations

import json
import os

import pytest

from lyaopt._kernels.toolchain import core_choice
from lyaopt._kernels.toolchain.source_record import recall, remember, stamp

KNOWN = {"sources": "abc", "file": None}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LYAOPT_CACHE_DIR", str(tmp_path / "cache" / "deep"))
    inner = tmp_path / "kernels" / "slot"
    inner.mkdir(parents=True)
    (inner / "one.py").write_text("a = 1\n")
    (inner / "notes.txt").write_text("none\n")
    (inner / ".#one.py").symlink_to("nowhere")
    return inner.parent


def remembered(folder):
    return recall(str(folder), stamp(str(folder), [str(folder / "core.so")]))


@pytest.fixture
def known(folder):
    remember(str(folder), stamp(str(folder), [str(folder / "core.so")]), KNOWN)
    assert remembered(folder) == KNOWN
    return folder


def test_nothing_is_known_at_first(folder):
    assert remembered(folder) == {}


def rewrite_unseen(source):
    """Other content of the same length, under the same times of access and change."""
    before = source.stat()
    source.write_text("a = 2\n")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(source):
    other = source.with_name("other")
    rewrite_unseen(source)
    source.rename(other)
    other.rename(source)


CHANGES = {
    "edited": lambda folder: (folder / "slot" / "one.py").write_text("a = 12\n"),
    "edited unseen": lambda folder: rewrite_unseen(folder / "slot" / "one.py"),
    "replaced": lambda folder: replace(folder / "slot" / "one.py"),
    "renamed": lambda folder: (folder / "slot" / "one.py").rename(folder / "slot" / "two.py"),
    "removed": lambda folder: (folder / "slot" / "one.py").unlink(),
    "added": lambda folder: (folder / "two.py").write_text(""),
    "core built": lambda folder: (folder / "core.so").write_text(""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_noticed(known, change):
    CHANGES[change](known)
    assert remembered(known) == {}


def test_other_files_do_not_matter(known):
    (known / "slot" / "notes.txt").write_text("more\n")
    (known / "slot" / "__pycache__").mkdir()
    (known / "slot" / "__pycache__" / "one.py").write_text("")
    assert remembered(known) == KNOWN


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"version": 1, "state": 3}', "\0"])
def test_a_damaged_record_is_none(known, tmp_path, content):
    (place,) = (tmp_path / "cache" / "deep").iterdir()
    place.write_text(content)
    assert remembered(known) == {}
    state = json.dumps(stamp(str(known), []))
    place.write_text(f'{{"version": 2, "state": {state}, "known": {{}}}}')
    assert remembered(known) == {}


def test_no_cache_is_no_error(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LYAOPT_CACHE_DIR", str(tmp_path / "file"))
    remember(str(folder), "state", KNOWN)
    assert remembered(folder) == {}


def test_what_is_remembered_is_what_was_read(tmp_path, monkeypatch):
    monkeypatch.setenv("LYAOPT_CACHE_DIR", str(tmp_path))
    first = core_choice._known()
    monkeypatch.setattr(core_choice, "hash_of_sources", lambda: pytest.fail("it was read again"))
    assert core_choice._known() == first
    assert first["sources"] == core_choice.hash_of(
        source for source in core_choice.kernel_sources() if not core_choice._is_without_code(source)
    )
