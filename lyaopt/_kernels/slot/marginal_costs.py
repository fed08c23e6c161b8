"""What serving costs in each of the three problems: all in which their solvers differ.

Every problem serves items of backlog Q_n from one resource. Its optimum has one form: going down from
the largest backlog, with C the sum of the backlogs so far, an item of backlog v is served whole where

    effort(C) <= limit  and  marginal_cost(effort(C)) <= v,

that is, where the resource allows it and the marginal energy of the last unit of work is worth it.

    effort(C)          what serving C takes of the resource
    marginal_cost(e)   weighted energy of one more unit of work at effort e, in units of backlog
    worth(v)           inverse of marginal_cost: the effort at which the marginal cost is v
    served(e)          inverse of effort
    parameters         limit, scale, inverse = 1 / scale, floor

              effort             limit     marginal_cost    scale                 floor
    local     C  (cycles)        F tau     (C / scale)^2    tau / sqrt(3 U delta) -
    transmit  e^(C/scale) - 1    pmax eta  floor (1 + e)    tau b_w / ln 2        q0 = U N_0 ln 2 / h
    edge      C  (cycles)        F^e tau   0                -                     -

Work is in the unit of the queue and per slot (y = f tau), so that an emptied queue is exactly empty.
The effort of a transmission is its signal-to-noise ratio p eta. docs/explanation/solvers.md has the proof.
"""

import math
from typing import Any, NamedTuple

from lyaopt._kernels.numerics.elementary import expm1, log1p
from lyaopt._kernels.toolchain.jit import inline

LARGEST_EXPONENT = 709.0  # e^709 is finite; a larger signal-to-noise ratio is refused above the kernels


@inline
def local_effort(work, inverse):
    return work


@inline
def local_marginal_cost(effort, inverse, floor):
    marginal = effort * inverse
    return marginal * marginal


@inline
def local_worth(backlog, scale, floor):
    return scale * math.sqrt(backlog)


@inline
def local_served(effort, scale):
    return effort


@inline
def local_within(reach, supply, whole):
    return reach


@inline
def transmit_effort(work, inverse):
    exponent = work * inverse
    return expm1(exponent if exponent < LARGEST_EXPONENT else LARGEST_EXPONENT)


@inline
def transmit_marginal_cost(effort, inverse, floor):
    return floor * (1.0 + effort)


@inline
def transmit_worth(backlog, scale, floor):
    worth = (backlog - floor) / floor  # a difference first: it keeps the digits where Q is near q0
    return worth if backlog > floor else 0.0


@inline
def transmit_served(effort, scale):
    return scale * log1p(effort)


@inline
def transmit_within(reach, supply, whole):
    return reach if supply <= whole else reach * (whole / supply)


@inline
def edge_effort(work, inverse):
    return work


@inline
def edge_marginal_cost(effort, inverse, floor):
    return 0.0


@inline
def edge_worth(backlog, scale, floor):
    return math.inf


@inline
def edge_served(effort, scale):
    return effort


class ServingCost(NamedTuple):
    """The five functions of one problem. Solvers take it as their first argument and compile it in.

    Attributes
    ----------
    effort : function of (work, inverse)
    marginal_cost : function of (effort, inverse, floor)
    worth : function of (backlog, scale, floor)
    served : function of (effort, scale)
    within : function of (reach, supply, whole)
        Effort of the smaller of a supply, whose effort is `reach`, and the whole. The whole is smaller by no
        more than what rounding takes from the marginal cost. That is much for floor (1 + effort) beside a
        weak signal: the effort that it stands for would be paid for nothing.
    """

    effort: Any
    marginal_cost: Any
    worth: Any
    served: Any
    within: Any


LOCAL = ServingCost(local_effort, local_marginal_cost, local_worth, local_served, local_within)
TRANSMIT = ServingCost(
    transmit_effort, transmit_marginal_cost, transmit_worth, transmit_served, transmit_within
)
EDGE = ServingCost(edge_effort, edge_marginal_cost, edge_worth, edge_served, local_within)
