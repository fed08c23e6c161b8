"""Checkpoint format: tensors and a JSON document in one safetensors file with a checksum.

Reading a checkpoint unpickles nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from lyaopt.errors import ParseError, ProblemError
from lyaopt.io.strict_json import parse

SCHEMA_VERSION = 1
_KEY = "lyaopt"
_CHECKSUM = "sha256"

Tensors = Mapping[str, Tensor]


def format_checkpoint(tensors: Tensors, document: Mapping[str, Any]) -> bytes:
    """Format a checkpoint.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        Weights and other arrays by name.
    document : mapping
        JSON values.

    Returns
    -------
    bytes
    """
    whole = {"schema_version": SCHEMA_VERSION, **document}
    return safetensors.torch.save(
        dict(tensors), {_KEY: json.dumps({**whole, _CHECKSUM: _digest(tensors, whole)}, allow_nan=False)}
    )


def parse_checkpoint(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Parse a checkpoint.

    Parameters
    ----------
    content : bytes
        Content of a checkpoint file.

    Returns
    -------
    tensors : dict of str to Tensor
    document : dict

    Raises
    ------
    ProblemError
        If the bytes are not a checkpoint, are damaged, or have another schema version.
    """
    try:
        tensors = safetensors.torch.load(content)
        document = _document(content)
    except (SafetensorError, ParseError, ValueError, KeyError, TypeError) as error:
        raise ProblemError("$", f"expected a whole checkpoint, got a damaged file ({error})") from None
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ProblemError("$.schema_version", f"expected {SCHEMA_VERSION}, got {version!r}")
    if document.pop(_CHECKSUM, None) != _digest(tensors, document):
        raise ProblemError("$", "expected a whole checkpoint, got a damaged file (another checksum)")
    return tensors, document


def _document(content: bytes) -> dict[str, Any]:
    # safetensors reads metadata from files only, not from bytes.
    length = int.from_bytes(content[:8], "little")
    header = parse(content[8 : 8 + length].decode())
    document = parse(header["__metadata__"][_KEY])
    if not isinstance(document, dict):
        raise ValueError("no document")
    return document


def _digest(tensors: Tensors, document: Mapping[str, Any]) -> str:
    hasher = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        hasher.update(tensor.numpy().tobytes())
    return hasher.hexdigest()
