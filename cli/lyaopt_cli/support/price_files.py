"""Tables of prices in files, as the library for C takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy

_SOURCES = (".c", ".h")


def prices_of(policy: Policy | None, system: System, path: Path) -> bytes:
    """The table of a policy by prices: C source where the file is such by its name, else its doubles."""
    from lyaopt.policies import Price
    from lyaopt.simulation import price_source, price_table

    assert isinstance(policy, Price)  # the command has checked the name
    table = price_table(policy.rule, system)
    return price_source(table).encode() if path.suffix in _SOURCES else table.tobytes()
