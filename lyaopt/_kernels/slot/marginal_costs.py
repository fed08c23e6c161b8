"""What serving costs, in each of the three problems: all that tells one solver from another.

Every problem serves items of backlog Q_n from one resource. Its optimum has one form: going down from
the largest backlog, with C the sum of the backlogs so far, an item of backlog v is served whole where

    effort(C) <= limit  and  price(effort(C)) <= v,

that is, where the resource allows it and the marginal energy of the last unit of work is worth it.

    effort(C)   what serving C takes of the resource
    price(e)    marginal energy cost at effort e, in units of backlog
    worth(v)    inverse of price: the effort at which the marginal cost is v
    served(e)   inverse of effort
    parameters  limit, scale, inverse = 1 / scale, floor

           effort             limit       price                  scale              floor
    local  C  (cycles)        F tau       (C / scale)^2          tau/sqrt(3 U delta)  -
    trans. e^(C/scale) - 1    pmax eta    floor (1 + e)          tau b_w / ln 2     q0 = U N_0 ln 2 / h
    edge   C  (cycles)        F^e tau     0                      -                  -

Work is in the unit of the queue and per slot (y = f tau), so that an emptied queue is exactly empty.
The effort of a transmission is its signal-to-noise ratio p eta.
"""

import math

from lyaopt._kernels.numerics.elementary import expm1, log1p
from lyaopt._kernels.toolchain.jit import inline

LARGEST_EXPONENT = 709.0  # e^709 is finite; a larger signal-to-noise ratio is refused above the kernels


@inline
def local_effort(work, inverse):
    return work


@inline
def local_price(effort, inverse, floor):
    marginal = effort * inverse
    return marginal * marginal


@inline
def local_worth(backlog, scale, floor):
    return scale * math.sqrt(backlog)


@inline
def local_served(effort, scale):
    return effort


@inline
def transmit_effort(work, inverse):
    exponent = work * inverse
    return expm1(exponent if exponent < LARGEST_EXPONENT else LARGEST_EXPONENT)


@inline
def transmit_price(effort, inverse, floor):
    return floor * (1.0 + effort)


@inline
def transmit_worth(backlog, scale, floor):
    worth = (backlog - floor) / floor  # a difference first: it keeps the digits where Q is near q0
    return worth if backlog > floor else 0.0


@inline
def transmit_served(effort, scale):
    return scale * log1p(effort)


@inline
def edge_effort(work, inverse):
    return work


@inline
def edge_price(effort, inverse, floor):
    return 0.0


@inline
def edge_worth(backlog, scale, floor):
    return math.inf


@inline
def edge_served(effort, scale):
    return effort


LOCAL = (local_effort, local_price, local_worth, local_served)
TRANSMIT = (transmit_effort, transmit_price, transmit_worth, transmit_served)
EDGE = (edge_effort, edge_price, edge_worth, edge_served)
