"""The rule by prices as a table for the library for C: an array of doubles, or C source of one.

capi/table.c reads it. First come 16 numbers: two that mark the format, the length of the whole, sizes,
flags, and the filter of slow channels; then the arrays, one after the other, whole numbers as doubles.
"""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.kernel_arrays import make_model
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.price_rule import PriceRule

_MAGIC, _FORMAT = 17121815.0, 1.0
_LENGTH = 2
"""Place of the number of doubles."""
_IN_A_LINE = 4


def price_table(rule: PriceRule, system: System) -> Floats:
    """Write a rule as one array, which ``lyaopt_read_prices`` of the library for C takes.

    Parameters
    ----------
    rule : PriceRule
        As `lyaopt.policies.price_rule` makes it; with or without `cuts`.
    system : System
        For which it was made.

    Returns
    -------
    ndarray (D,)
        In its bytes, those of doubles of this machine, it may be kept in a file.
    """
    layout = Layout.of(system, 1)
    model = make_model(system, layout)
    prices, slow = rule.price_arrays(layout), rule.channel_arrays(layout)
    cuts = rule.cut_arrays(layout, system.slots_per_period)
    rows, points = prices.price.shape, model.amounts.shape[-1]
    sizes = (layout.devices, layout.rows, *rows, prices.states, points, cuts.tried.shape[-1])
    flags = (prices.by_work, prices.joint, slow.share, slow.correlation, slow.per_nat, cuts.period)
    taken = layout.service_at >= 0
    parts = [
        np.array([_MAGIC, _FORMAT, 0.0, *sizes, *flags]),
        model.scalars,
        *(prices.holding, prices.scale, prices.row, prices.slope, prices.price, prices.integral),
        *(slow.mean_log, model.amounts, cuts.alone, cuts.tried),
        *(np.where(taken, cuts.edge_share, 1.0), cuts.delay_cost),
    ]
    table = np.concatenate([np.ravel(part).astype(np.float64) for part in parts])
    table[_LENGTH] = table.size
    return table


def price_source(table: Floats, name: str = "price_table") -> str:
    """Write a table as a constant array in C.

    Parameters
    ----------
    table : ndarray (D,)
        As of `price_table`.
    name : str
        Of the array, a C identifier.

    Returns
    -------
    str
        Source of an array that has the table's bits.

    Raises
    ------
    ProblemError
        If the name is no identifier.
    """
    if not (name.isidentifier() and name.isascii()):
        raise ProblemError("$.name", f"expected a C identifier, got {name!r}")
    numbers = [repr(value) for value in table.tolist()]
    lines = [", ".join(numbers[i : i + _IN_A_LINE]) for i in range(0, len(numbers), _IN_A_LINE)]
    body = ",\n    ".join(lines)
    return (
        "/* A table of prices for lyaopt_read_prices, made by lyaopt. */\n"
        f"static const double {name}[{len(numbers)}] = {{\n    {body},\n}};\n"
    )
