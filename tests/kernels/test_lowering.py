"""A module of LLVM is optimised once for each target, with all helpers in it, and gives the right answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from lyaopt._kernels.toolchain.core_choice import kernel_sources
from lyaopt._kernels.toolchain.part_build import PARTS

BUILD = """
import ctypes, json, subprocess, sys
from pathlib import Path
from unittest import mock
import numpy as np
from numba.core.codegen import CPUCodeLibrary
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop
from lyaopt._kernels.toolchain.lowering import Lowered, lowering
from lyaopt._kernels.toolchain.part_build import _add_entry

@helper
def square(x):
    return x * x

@lane_loop
def add_squares(first, second, total):
    for i in range(first.size):
        total[i] = square(first[i]) + second[i]

@inline
def squares(first, second):
    total = np.empty(first.size)
    add_squares(first, second, total)
    return total

def entry(count, step):
    first = np.arange(count) * float(step)
    return int(squares(first, first).sum()) + min(count, step, 3)

folder, targets, passes = Path(sys.argv[1]), sys.argv[2:], []
optimise = CPUCodeLibrary._optimize_final_module

def counted(library):
    passes.append(library.name)
    optimise(library)

answers = []
stub = folder / "stub.c"
stub.write_text(
    "#include <stdlib.h>\\nlong entry(long, long); long call(long a, long b) { return entry(a, b); }"
    "void NRT_MemInfo_call_dtor(void *memory) {} "
    "void *NRT_MemInfo_alloc_aligned(size_t n, unsigned a) {"
    " size_t *m = calloc(1, n + 256); m[0] = 1; m[3] = ((size_t)m + 128) / 64 * 64; return m; }"
    "void *NRT_MemInfo_alloc_safe_aligned(size_t n, unsigned a) { return NRT_MemInfo_alloc_aligned(n, a); }"
)
with mock.patch.object(CPUCodeLibrary, "_optimize_final_module", counted), lowering(targets[0]) as context:
    passes.clear()  # of Numba's runtime for this process
    module = Lowered(context, "test")
    _add_entry(module, "entry", "int64(int64, int64)", entry)
    module.link()
    before = len(passes)
    for target in targets:
        (folder / f"{target}.o").write_bytes(module.machine_code(target))
for target in targets:
    shared = folder / f"{target}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shared, folder / f"{target}.o", stub, "-lm"], check=True)
    answers.append(ctypes.CDLL(str(shared)).call(100, 7))
print(json.dumps([before, passes, answers]))
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_helpers_are_optimised_once_for_each_target(tmp_path):
    targets = ["generic", "host"]
    done = subprocess.run(
        [sys.executable, "-c", BUILD, tmp_path, *targets],
        env={**os.environ, "LYAOPT_CORE": "jit"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    before, passes, answers = json.loads(done.stdout)
    assert before == 0
    assert passes == ["test"] * len(targets)
    terms = [7.0 * i for i in range(100)]
    assert answers == [int(sum(x * x + x for x in terms)) + 3] * len(targets)


def test_every_folder_of_kernels_is_in_one_part():
    folders = [folder for part in PARTS.values() for folder in part]
    here = {source.parent.name for source in kernel_sources() if "Kernel(" in source.read_text()}
    assert sorted(folders) == sorted(here - {"toolchain"})
