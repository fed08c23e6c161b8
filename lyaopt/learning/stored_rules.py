"""Rules by prices in checkpoints: one that was built on a trace cannot be built again without the trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lyaopt.learning.algorithm_protocol import below
from lyaopt.simulation.price_rule import ChannelFilter, CutChoice, PriceRule

_PREFIX = "rule."
_PARTS: dict[str, Any] = {"cuts": CutChoice, "slow": ChannelFilter}


def rule_tensors(rule: PriceRule) -> dict[str, Tensor]:
    """Name the arrays and numbers of a rule.

    Parameters
    ----------
    rule : PriceRule
        Of the policy `price`.

    Returns
    -------
    dict of str to Tensor
        All but its name.
    """
    named = {name: getattr(rule, name) for name in _fields(PriceRule)}
    for part in _PARTS:
        whole = named.pop(part)
        if whole is not None:
            named |= {f"{part}.{name}": getattr(whole, name) for name in _fields(type(whole))}
    return {f"{_PREFIX}{name}": torch.from_numpy(np.array(value)) for name, value in named.items()}


def stored_rule(tensors: Mapping[str, Tensor]) -> PriceRule | None:
    """Make the rule that `rule_tensors` named; None if there is none among the tensors.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        Of a checkpoint.

    Raises
    ------
    KeyError
        If a part is missing.
    """
    mine = below(_PREFIX, tensors)
    if not mine:
        return None
    parts = {name: _made(kind, below(f"{name}.", mine)) for name, kind in _PARTS.items()}
    rule: PriceRule = _made(PriceRule, mine, parts)
    return rule


def _fields(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if field.name != "name"]


def _made(kind: Any, tensors: Mapping[str, Tensor], parts: Mapping[str, Any] | None = None) -> Any:
    """An object of its fields, numbers as of Python; None if there are no tensors."""
    if not tensors:
        return None
    parts = parts or {}
    single = {name: tensors[name].numpy() for name in _fields(kind) if name not in parts}
    values = {name: value if value.ndim else value.item() for name, value in single.items()}
    return kind(**values, **parts)
