"""What the speed of the kernels rests on, and no answer would show: see `lane_at` and `view_as`."""

from __future__ import annotations

import ast

from tests.structure.source_tree import Module, modules
from tests.structure.test_layout import none

KERNELS = "lyaopt._kernels."


def kernel_modules() -> list[Module]:
    """The modules of kernels, not those that compile them."""
    return [
        module
        for name, module in modules().items()
        if name.startswith(KERNELS) and not name.startswith(f"{KERNELS}toolchain")
    ]


def adds_a_place_to_a_start(index: ast.expr) -> bool:
    """Whether an index is ``start + t`` or ``lanes.start + t``, outside a call."""
    if isinstance(index, ast.Tuple):
        return any(map(adds_a_place_to_a_start, index.elts))
    if not (isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add)):
        return False
    start = index.left
    name = start.attr if isinstance(start, ast.Attribute) else getattr(start, "id", "")
    return name == "start" and isinstance(index.right, ast.Name)


def is_over_lanes(loop: ast.For) -> bool:
    """Whether a loop is ``for t in range(count)``, or until ``lanes.count``."""
    called = loop.iter
    if not (isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id == "range"):
        return False
    last = called.args[-1]
    return "count" in (getattr(last, "attr", ""), getattr(last, "id", ""))


def signed_places(loop: ast.For) -> list[ast.Subscript]:
    """What a loop over lanes finds at ``start + t``, or at any such sum of two names, outside a call."""
    assert isinstance(loop.target, ast.Name)
    lane = loop.target.id
    return [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Subscript)
        for index in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
        if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Name) and index.right.id == lane
    ]


def test_starts_of_lanes_are_added_to_by_a_call():
    none(
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for module in kernel_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Subscript) and adds_a_place_to_a_start(node.slice)
    )


def test_lanes_have_unsigned_places():
    none(
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for module in kernel_modules()
        for loop in ast.walk(module.tree)
        if isinstance(loop, ast.For) and is_over_lanes(loop)
        for node in signed_places(loop)
    )


def test_certificates_are_among_the_loops_that_are_looked_at():
    for name in ("certificate_sums", "sort_registers", "primal_recovery"):
        tree = modules()[f"{KERNELS}slot.{name}"].tree
        assert any(isinstance(loop, ast.For) and is_over_lanes(loop) for loop in ast.walk(tree)), name


def test_no_kernel_reshapes_by_a_call():
    none(
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for module in kernel_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "reshape"
    )
