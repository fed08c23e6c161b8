"""Files of `torch.export.save`, read as data: no pickle is loaded and no code of theirs runs.

`torch.export.load` would unpickle inputs and weights, evaluate sizes and guards in the file as Python, and
call any function of torch that the file names. It is given a copy of what is known to be data: operators of
PyTorch, sums and products of sizes, raw weights.
"""

from __future__ import annotations

import ast
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from lyaopt.errors import ProfileError

_MODEL = "models/model.json"
_CONFIGS = {
    "weights": "data/weights/model_weights_config.json",
    "constants": "data/constants/model_constants_config.json",
}
_SAMPLES = "data/sample_inputs/model.pt"
_COPIED = ("archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id")
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prim|prims|quantized|quantized_decomposed|higher_order)(\.\w+){1,2}"
    r"|_operator\.\w+|math\.\w+|torch\.sym_\w+"
)
_TOUCHES_FILES = ("aten.from_file",)
_NAME = re.compile(r"\w*")
_BROKEN = (
    *(BadZipFile, LookupError, ValueError, TypeError, AttributeError, RuntimeError),
    *(EOFError, struct.error, zlib.error),
)
"""Errors of a file that is none; a `RuntimeError` is of encrypted parts, or of documents too deep."""
_CONTAINERS = (
    None,
    *(f"builtins.{kind}" for kind in ("tuple", "list", "dict")),
    *(f"torch.fx.immutable_collections.immutable_{kind}" for kind in ("list", "dict")),
    "collections.OrderedDict",
)
_FUNCTIONS = frozenset(
    """Symbol Integer Rational Float Add Mul Pow PowByNatural Mod PythonMod FloorDiv CeilDiv CleanDiv Max Min
    Abs ModularIndexing Where IntTrueDiv FloatTrueDiv ToFloat FloorToInt CeilToInt TruncToInt RoundToInt And
    Or Not Eq Ne Lt Le Gt Ge Equality Unequality LessThan StrictLessThan GreaterThan StrictGreaterThan
    """.split()  # noqa: SIM905
)
_SUMS = (ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)
_SIGNS = (ast.operator, ast.unaryop, ast.cmpop, ast.keyword)


def checked_archive(content: bytes) -> tuple[BytesIO, bytes]:
    """Copy the data of a file of `torch.export.save`.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    BytesIO, bytes
        For `torch.export.load`, without sample inputs and guards; and the sample inputs, still pickled.

    Raises
    ------
    ProfileError
        If it is no such file, or holds more than data.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > len(content):
                raise ValueError("its parts are compressed, or share their bytes")
            return _copy(archive)
    except ProfileError:
        raise
    except _BROKEN as failure:
        reason = f"{type(failure).__name__}: {failure}"
        raise ProfileError(f"not a file of torch.export.save of PyTorch 2.8 or later ({reason})") from None


def _copy(archive: ZipFile) -> tuple[BytesIO, bytes]:
    names = {name.partition("/")[2]: name for name in archive.namelist()}

    def read(name: str) -> bytes:
        return archive.read(names[name])

    if read("archive_format") != b"pt2":
        raise ValueError("its format is not pt2")
    model = json.loads(read(_MODEL))
    _check_model(model)
    model["guards_code"] = []
    parts = {name: read(name) for name in _COPIED if name in names}
    parts |= {_MODEL: json.dumps(model).encode(), _SAMPLES: b""}
    for kind, name in _CONFIGS.items():
        parts[name] = read(name)
        for held in _raw_files(kind, json.loads(parts[name])):
            parts[held] = read(held)
    copy = BytesIO()
    with ZipFile(copy, "w") as target:
        for name, part in parts.items():
            target.writestr(f"archive/{name}", part)
    copy.seek(0)
    return copy, read(_SAMPLES) if _SAMPLES in names else b""


def _raw_files(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    for name, payload in config["config"].items():
        if payload["use_pickle"]:
            raise ProfileError(f"{kind} {name} are pickled in the file, which could run code")
        yield f"data/{kind}/{payload['path_name']}"


def _check_model(model: Mapping[str, Any]) -> None:
    """Refuse what `torch.export.load` or the network would run and is no operator on tensors."""
    for key, value in _values(model):
        if key == "target" and not (_OPERATOR.fullmatch(value) and not _is_of_files(value)):
            raise ProfileError(f"the network calls {value}, which is no operator of PyTorch on tensors")
        if key in ("name", "as_name") and not _NAME.fullmatch(value):
            raise ProfileError(f"a tensor of the network has the name {value!r}")
        if key in ("in_spec", "out_spec") and value:
            _check_containers(json.loads(value))
        if key == "expr_str":
            _check_size(value)


def _values(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts of a document, each with its key."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name != "metadata":
                yield from _values(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, key)
    elif isinstance(node, str):
        yield key, node


def _is_of_files(target: str) -> bool:
    return any(name in target for name in _TOUCHES_FILES)


def _check_containers(spec: Any) -> None:
    """Refuse structures of inputs and outputs that import modules."""
    for part in spec if isinstance(spec, list) else [spec]:
        if isinstance(part, dict):
            if part["type"] not in _CONTAINERS or "__enum__" in (part["context"] or ""):
                raise ProfileError(
                    f"inputs or outputs are of the type {part['type']}: expected tuples and dicts"
                )
            _check_containers(part["children_spec"])


def _check_size(text: str) -> None:
    """Refuse a size that is more than sums, products and the like of symbols: it is evaluated as Python."""
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, RecursionError, MemoryError):
        raise ProfileError(f"a size of the network is no expression: {text[:80]!r}") from None
    for node in nodes:
        calls = node.func if isinstance(node, ast.Call) else None
        known = calls is None or (isinstance(calls, ast.Name) and calls.id in _FUNCTIONS)
        if not (known and isinstance(node, (*_SUMS, *_SIGNS))) or _is_private(node):
            raise ProfileError(f"a size of the network is no expression of sizes: {text[:80]!r}")


def _is_private(node: ast.AST) -> bool:
    texts = [text for text in (getattr(node, "id", ""), getattr(node, "value", "")) if isinstance(text, str)]
    return not all(_NAME.fullmatch(text) and "__" not in text for text in texts)
