"""The model of a system as the loop over slots by prices takes it."""

from __future__ import annotations

import numpy as np

from lyaopt._kernels.simulation.priced_slots import PricedModel, advance_by_prices
from lyaopt._kernels.simulation.state_types import Model
from lyaopt._kernels.slot.problems import WEIGHT_LOCAL, WEIGHT_TRANSMIT
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.price_rule import PriceRule

__all__ = ["advance_by_prices", "priced_model"]


def priced_model(model: Model | PricedModel, rule: PriceRule, layout: Layout, period: int) -> PricedModel:
    """Add prices to a model.

    Parameters
    ----------
    model : Model
        Its weights of energy are replaced by 1, as prices are in J per unit of work.
    rule : PriceRule
        Of the same system.
    layout : Layout
        Of the model.
    period : int
        Slots in a period.
    """
    scalars = model.scalars.copy()
    scalars[[WEIGHT_LOCAL, WEIGHT_TRANSMIT]] = 1.0
    fields = model._asdict() | {"scalars": scalars}
    return PricedModel(
        **{name: fields[name] for name in Model._fields},
        prices=rule.price_arrays(layout),
        cuts=rule.cut_arrays(layout, period),
        slow=rule.channel_arrays(layout),
        channels=np.zeros((layout.blocks, layout.lanes), np.int64),
    )
