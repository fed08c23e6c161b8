"""Halves of PyTorch networks as files of `torch.export.save`."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.torch_profiler import silence


def program_bytes(module: Any, inputs: Sequence[Any]) -> bytes:
    """Export a half, and write it without sample inputs, which would be pickled, and without source paths.

    Parameters
    ----------
    module : torch.fx.GraphModule
        A head or a tail.
    inputs : sequence of torch.Tensor
        In the shapes that it takes.

    Raises
    ------
    ProfileError
        If the half cannot be exported.
    """
    import torch

    content = BytesIO()
    try:
        with silence(), torch.no_grad():
            program = torch.export.export(module, tuple(inputs))
            program.example_inputs = None
            for node in program.graph.nodes:
                node.meta.pop("stack_trace", None)
            torch.export.save(program, content)
    # Operators that cannot be exported twice or written raise errors of any kind.
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise ProfileError(f"torch.export cannot write a half: {reason}") from failure
    return content.getvalue()
