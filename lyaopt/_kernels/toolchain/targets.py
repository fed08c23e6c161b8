"""The processors that kernels are built for ahead of time.

``LYAOPT_TARGET`` names one: ``host`` (the default) has all that this processor can do, ``x86-64-v2`` and the
like run wherever that level is reached. ``portable`` stands for several in one wheel, of which the best that
runs is taken at every start: the levels of x86-64, or ``generic`` on other architectures.
"""

from __future__ import annotations

import os
import platform

HOST, PORTABLE, GENERIC = "host", "portable", "generic"
# Flags of /proc/cpuinfo for instructions that compilers choose; others do not matter.
_SECOND = {"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}
_THIRD = _SECOND | {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
_FOURTH = _THIRD | {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}
_LEVELS = {"x86-64": set[str](), "x86-64-v2": _SECOND, "x86-64-v3": _THIRD, "x86-64-v4": _FOURTH}
# LLVM prefers vectors of half the width for this level, as its first processors slowed down.
_FEATURES = {"x86-64-v4": "-prefer-256-bit"}
_BEYOND = """
    adx aes avx512_bf16 avx512_bitalg avx512_vbmi2 avx512_vnni avx512_vpopcntdq avx512ifma avx512vbmi avx_vnni
    clflushopt fma4 gfni pclmulqdq sha_ni sse4a tbm vaes vpclmulqdq xop
"""


def targets() -> list[str]:
    """The targets that are asked for, the least demanding one first.

    Raises
    ------
    ValueError
        If ``LYAOPT_TARGET`` names no target.
    """
    name = os.environ.get("LYAOPT_TARGET") or HOST
    if name == PORTABLE:
        return ["x86-64-v2", "x86-64-v3", "x86-64-v4"] if platform.machine() == "x86_64" else [GENERIC]
    if name not in (HOST, GENERIC, *_LEVELS):
        known = ", ".join([HOST, PORTABLE, GENERIC, *_LEVELS])
        raise ValueError(f"LYAOPT_TARGET: expected one of {known}, got {name!r}")
    return [name]


def processor(target: str) -> tuple[str, str]:
    """Name and features of a target in LLVM's words; of the host, those of code compiled at run time."""
    if target != HOST:
        return target, _FEATURES.get(target, "")
    import llvmlite.binding as llvm
    from numba.core.codegen import get_host_cpu_features

    return llvm.get_host_cpu_name(), get_host_cpu_features()


def required_flags(target: str, offered: frozenset[str]) -> set[str]:
    """Flags of the processor without which code built for the target must not run."""
    if target != HOST:
        return _LEVELS.get(target, set())
    known = _FOURTH | set(_BEYOND.split())
    return set(offered & known or offered)  # other architectures: all flags matter
