"""Arrays of .npz files: what is decompressed is bounded, whatever the archive or its members claim."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lyaopt.errors import DocumentError
from lyaopt.io import array_files
from lyaopt.io.array_files import read_arrays
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import load_trace

MIB = 2**20


def header(shape, dtype="<f8"):
    kept = io.BytesIO()
    about = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(kept, about)
    return kept.getvalue()


def bomb(path, name, mebibytes, dtype="<f8", method=zipfile.ZIP_DEFLATED):
    """An array of zeros, which shrinks to a thousandth."""
    entries = mebibytes * MIB // np.dtype(dtype).itemsize
    with (
        zipfile.ZipFile(path, "a", method) as archive,
        archive.open(f"{name}.npy", "w", force_zip64=True) as out,
    ):
        out.write(header((entries // 8, 8), dtype))
        for _ in range(mebibytes):
            out.write(bytes(MIB))


def growth_by_reading(path, limit):
    """Memory in MiB by which a process grows that loads a trace, and how it ends."""
    code = f"""
import resource
from lyaopt.errors import LyaoptError
from lyaopt.io import array_files
from lyaopt.model.scenarios import load_scenario
from lyaopt.simulation import load_trace
array_files.MAX_ARRAY_BYTES = {limit}
system = load_scenario("default")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_trace({str(path)!r}, system)
except LyaoptError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    grown, _, error = done.stdout.partition(" ")
    return int(grown) / (MIB if sys.platform == "darwin" else 1024), error


def test_a_bomb_is_refused_before_it_is_decompressed(tmp_path):
    path = tmp_path / "trace.npz"
    np.savez(path, arrivals=np.zeros((3, 8), np.int64))
    bomb(path, "channel_gain", 65)
    assert path.stat().st_size < 65 * MIB / 900
    grown, error = growth_by_reading(path, 64 * MIB)
    assert f"$.channel_gain: expected arrays of at most {64 * MIB} bytes in total" in error
    assert grown < 32


def test_arrays_count_together_and_the_others_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "MAX_ARRAY_BYTES", 10 * MIB)
    path = tmp_path / "trace.npz"
    for name in ("a", "b", "c"):
        bomb(path, name, 4)
    assert set(read_arrays(path, ["a"], ["b", "d"])) == {"a", "b"}
    with pytest.raises(DocumentError, match=r"\$\.c: expected arrays of at most"):
        read_arrays(path, ["a", "b"], ["c"])


def test_entries_of_one_byte_count_as_what_they_become(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "MAX_ARRAY_BYTES", 10 * MIB)
    path = tmp_path / "trace.npz"
    bomb(path, "a", 1, "|i1")
    bomb(path, "b", 1, "|i1")
    assert read_arrays(path, ["a"])["a"].size == MIB
    with pytest.raises(DocumentError, match=r"\$\.b: expected arrays of at most"):
        read_arrays(path, ["a", "b"])


@pytest.mark.parametrize("size", [0, 100, 2**31])
def test_a_size_that_the_archive_claims_is_all_that_is_read(tmp_path, monkeypatch, size):
    """The size of a member is changed, in the list and beside the member, to less or more than it holds."""
    monkeypatch.setattr(array_files, "MAX_ARRAY_BYTES", 10 * MIB)
    path = tmp_path / "trace.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header((20 * MIB // 8,)) + bytes(20 * MIB))
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.rindex(mark) + place
        content[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=r"\$\.a: expected"):
        read_arrays(path, ["a"])


def test_a_shape_that_is_claimed_without_data_is_refused(tmp_path):
    path = tmp_path / "trace.npz"
    for shape in [(2**40, 8), (2**62, 2**62), (2**20, 2**20, 2**20)]:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("arrivals.npy", header(shape))
            archive.writestr("channel_gain.npy", header(shape))
        with pytest.raises(DocumentError, match=r"\$\.arrivals: expected"):
            load_trace(path, load_scenario("default"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_decompress_whole_blocks_are_refused(tmp_path, method):
    path = tmp_path / "trace.npz"
    bomb(path, "a", 1, method=method)
    with pytest.raises(DocumentError, match="unreadable"):
        read_arrays(path, ["a"])


def test_a_long_list_of_members_is_refused(tmp_path):
    path = tmp_path / "trace.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(DocumentError, match=r"expected an \.npz file"):
        read_arrays(path, ["a"])


def test_a_single_array_is_no_archive(tmp_path):
    path = tmp_path / "trace.npy"
    np.save(path, np.zeros(5))
    with pytest.raises(DocumentError, match=r"expected an \.npz file"):
        read_arrays(path, ["a"])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path, save):
    rng = np.random.default_rng(1)
    arrays = {
        "a": rng.normal(size=(300, 1000)),
        "b": np.asfortranarray(rng.integers(0, 9, (3, 4))),
        "c": np.ones(2),
    }
    save(tmp_path / "x.npz", **arrays)
    found = read_arrays(tmp_path / "x.npz", ["a"], ["b", "z"])
    assert set(found) == {"a", "b"}
    for name, array in found.items():
        assert np.array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype


def test_objects_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([None]))
    with pytest.raises(DocumentError, match="unreadable"):
        read_arrays(tmp_path / "x.npz", ["a"])


def test_nothing_else_loads_arrays():
    """One reader: `np.load` decompresses whatever there is."""
    root = Path(array_files.__file__).parents[2]
    for folder in ("lyaopt", "cli"):
        for path in (root / folder).rglob("*.py"):
            assert "np.load(" not in path.read_text() or path.name == "array_files.py", path


def test_a_name_with_a_nul_character_is_no_file():
    with pytest.raises(OSError, match="expected the name of a file, got a NUL character"):
        read_arrays("a\0b", ())
