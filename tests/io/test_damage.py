"""Damaged files: whatever is wrong with one, there is one error of lyaopt and no other."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from lyaopt.errors import LyaoptError, ParseError, ProblemError
from lyaopt.experiments.outputs import write_tables
from lyaopt.experiments.report import page
from lyaopt.experiments.results import load_results
from lyaopt.experiments.store import Store
from lyaopt.io import strict_json, toml_text
from lyaopt.io.atomic_write import write_whole
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import load_trace
from tests.experiments.synthetic import reproduction

STRANGE = (None, "x", -1, [], {}, [[]], True)
"""Values of types and ranges that a place does not expect."""


def places(value, path=()):
    """Paths of all values of a document; of a list only the first."""
    yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else list(enumerate(value))[:1]
        if isinstance(value, list)
        else ()
    )
    for key, child in inner:
        yield from places(child, (*path, key))


def replaced(document, path, value):
    """A copy of a document with another value at a path."""
    copy = json.loads(json.dumps(document))
    *outer, last = path
    parent = copy
    for step in outer:
        parent = parent[step]
    parent[last] = value
    return copy


def one_line(act, *arguments):
    """Whether an act was refused; any error but one of lyaopt in one line fails the test."""
    message = ""
    try:
        act(*arguments)
    except LyaoptError as error:
        message = str(error)
    assert "\n" not in message
    return bool(message)


def spent(cell, point):
    return 1e-3


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """A store, and its document."""
    store = Store(tmp_path_factory.mktemp("made"))
    reproduction(store, spent, figures=("fig7",), seeds=1)
    return store, store.load_document()


def test_contents_of_an_experiment_with_a_right_checksum_are_read_or_refused(experiment):
    store, document = experiment
    paths = [path for path in places(document) if path and path[0] not in ("schema_version", "sha256")]
    assert len(paths) > 50
    refused = 0
    for number, path in enumerate(paths):
        # Every place gets two of the values, and every value comes to many places.
        for value in (STRANGE[number % len(STRANGE)], STRANGE[(number + 3) % len(STRANGE)]):
            store.write_document(replaced(document, path, value))
            refused += one_line(load_results, store)
    store.write_document(document)
    assert refused


def test_an_experiment_that_cannot_be_shown_is_refused_in_one_line(experiment):
    store, document = experiment
    for path, value in ((("sweeps", 0, "definition"), {}), (("versions",), None)):
        store.write_document(replaced(document, path, value))
        for show in (page, write_tables):
            one_line(show, store)
    store.write_document(document)


def test_every_changed_value_of_an_experiment_is_noticed(experiment):
    """The checksum holds for all values but the version, which has a check of its own."""
    store, document = experiment
    name = store.path / store.document
    whole = name.read_bytes()
    for path in places(document):
        if path:
            name.write_text(json.dumps(replaced(document, path, "other")))
            with pytest.raises(ProblemError, match=r"schema version 2|checksum"):
                store.load_document()
    name.write_bytes(whole)
    assert store.load_document() == document


@pytest.mark.parametrize("parse", [strict_json.parse, toml_text.parse])
@pytest.mark.parametrize("levels", [205, 900, 3000, 100_000])
def test_deep_documents_are_refused_before_anything_follows_them(parse, levels):
    if parse is toml_text.parse:
        texts = ["x = " + "[" * levels + "]" * levels]
        texts += (
            [".".join(["a"] * levels) + " = 1", f"[{'.'.join(['a'] * levels)}]\nx = 1"]
            if levels < 4000
            else []
        )
    else:
        texts = ["[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels]
    for text in texts:
        with pytest.raises(ParseError, match="too many"):
            parse(text)


def test_documents_of_a_few_levels_are_read():
    assert strict_json.parse("[" * 20 + "]" * 20) is not None
    assert toml_text.parse(".".join(["a"] * 20) + " = 1")


def archive(members):
    """An .npz file of members as bytes, with right checksums."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return kept.getvalue()


def test_every_damaged_byte_of_an_array_header_is_refused_or_harmless(tmp_path):
    system = load_scenario("balanced")
    arrays = {
        "arrivals": np.zeros((3, len(system.services)), np.int64),
        "channel_gain": np.full((3, len(system.devices)), 1e-9),
    }
    members = {}
    for name, array in arrays.items():
        content = io.BytesIO()
        np.save(content, array)
        members[name] = content.getvalue()
    path, refused = tmp_path / "trace.npz", 0
    for place in range(128):  # the header that np.save writes
        for byte in b"\x00\n'(x9\xff":
            damaged = bytearray(members["arrivals"])
            damaged[place] = byte
            path.write_bytes(archive({**members, "arrivals": bytes(damaged)}))
            try:
                load_trace(path, system)
            except ProblemError:
                refused += 1
    assert refused > 200


def test_a_damaged_archive_is_refused(tmp_path):
    """Bytes of the archive itself, cut or replaced."""
    system = load_scenario("balanced")
    content = archive({"arrivals": b"x" * 50, "channel_gain": b"y" * 50})
    path = tmp_path / "trace.npz"
    for place in range(len(content)):
        path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
        with pytest.raises(ProblemError):
            load_trace(path, system)
        path.write_bytes(content[:place])
        with pytest.raises(ProblemError):
            load_trace(path, system)


def test_a_write_that_fails_names_the_file_and_keeps_it(tmp_path, monkeypatch):
    import errno
    import os

    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failure:
        write_whole(path, b"new")
    assert failure.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
