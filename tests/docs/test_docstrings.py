"""Every argument of a public function, method or class is named in its docstring."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import lyaopt

ROOMS = {module.name for module in pkgutil.iter_modules(lyaopt.__path__) if module.name[0] != "_"}


def modules_of(room: str) -> Iterator[Any]:
    module = importlib.import_module(f"lyaopt.{room}")
    yield module
    for inner in pkgutil.walk_packages(getattr(module, "__path__", []), f"lyaopt.{room}."):
        yield importlib.import_module(inner.name)


def public_callables(module: Any) -> Iterator[tuple[str, Any, str]]:
    """Name, callable and docstring of each definition of a module; methods may inherit docstrings."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield from _constructor(name, value)
            yield from _methods(name, value)
        elif inspect.isfunction(inspect.unwrap(value)):
            yield name, value, value.__doc__ or ""


def _constructor(name: str, cls: type) -> Iterator[tuple[str, Any, str]]:
    # Fields of a pydantic dataclass have docstrings of their own; a protocol is never constructed.
    described = hasattr(cls, "__pydantic_fields__") or getattr(cls, "_is_protocol", False)
    if not described and ("__init__" in vars(cls) or hasattr(cls, "_fields")):
        yield name, cls, cls.__doc__ or ""


def _methods(name: str, cls: type) -> Iterator[tuple[str, Any, str]]:
    for key, value in vars(cls).items():
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not key.startswith("_") and inspect.isfunction(function):
            bases = [base for base in cls.__mro__ if base.__module__.startswith("lyaopt")]
            texts = [getattr(base, key).__doc__ or "" for base in bases if hasattr(base, key)]
            yield f"{name}.{key}", function, "\n".join(texts)


def undocumented(function: Any, text: str) -> list[str]:
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return [name for name in names if name[0] != "_" and not re.search(rf"\b{re.escape(name)}\b", text)]


def offenders(room: str) -> list[str]:
    return [
        f"{module.__name__}.{name}: {', '.join(missing)}"
        for module in modules_of(room)
        for name, function, text in public_callables(module)
        if (missing := undocumented(function, text))
    ]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_every_argument_is_named_in_the_docstring(room: str) -> None:
    assert not offenders(room)


def test_a_missing_argument_is_found() -> None:
    def scaled(values: float, factor: float) -> float:
        """Return the values times two."""
        return values * factor

    assert undocumented(scaled, scaled.__doc__ or "") == ["factor"]
    assert undocumented(scaled, "`values` times the `factor`") == []
