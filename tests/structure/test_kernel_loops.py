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


def test_lanes_have_unsigned_places():
    none(
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for module in kernel_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Subscript) and adds_a_place_to_a_start(node.slice)
    )


def test_no_kernel_reshapes_by_a_call():
    none(
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for module in kernel_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr == "reshape"
    )
