"""The price of edge work that is added to a backlog."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt._kernels.learning.credit_assignment import RATE, WAITING  # noqa: E402
from lyaopt.learning.edge_price import EdgeCharges, EdgePrice  # noqa: E402

PERIOD_S, RATE_OF_WAITING, DISCOUNT = 0.1, 3.0, 0.9


def test_prices_follow_their_targets():
    price, waiting = EdgePrice(), torch.logspace(-3, 2.9, 5000, dtype=torch.float64)
    for _ in range(20):
        price.learn(waiting, 2.0 + waiting.log1p())
    inside = waiting[(waiting > 0.05) & (waiting < 500.0)]
    torch.testing.assert_close(price(inside), 2.0 + inside.log1p(), rtol=0.01, atol=0.01)
    torch.testing.assert_close(price(torch.tensor([5e3, 1e9])), price(torch.tensor([1e3, 1e3])))


def test_old_prices_are_forgotten():
    price, waiting = EdgePrice(), torch.full((10_000,), 2.0)
    for target in (1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0):
        price.learn(waiting, torch.full((10_000,), target, dtype=torch.float64))
    assert float(price(torch.tensor([2.0]))) == pytest.approx(5.0, rel=0.01)


def drain(charges, environment, start, periods):
    """Queues without arrivals shrink by a period's work in each period."""
    waiting = np.array(start)
    for period in range(periods):
        before = waiting
        waiting = np.maximum(before - PERIOD_S, 0.0)
        waiting[waiting < 1e-9] = 0.0
        environment.edge[:, WAITING] = waiting
        environment.edge[:, RATE] = np.where(before > 0.0, RATE_OF_WAITING, 0.0)
        charges.record(period, period == periods - 1)


def test_a_price_is_the_cost_of_waiting_until_the_server_is_idle():
    """W seconds keep it busy for W / 0.1 s periods: p = g (1 + gamma + ... ) over these."""
    start = np.arange(0, 31) * PERIOD_S
    environment = SimpleNamespace(joined=np.zeros((len(start), 1)), edge=np.zeros((len(start), 2)))
    price = EdgePrice()
    for _ in range(60):
        charges = EdgeCharges(environment, 12, DISCOUNT)
        charges.initial[:] = start
        drain(charges, environment, start, 12)
        charges.charge(price, torch.zeros(12, len(start), 1))
    busy = start[3:] / PERIOD_S
    expected = RATE_OF_WAITING * (1.0 - DISCOUNT**busy) / (1.0 - DISCOUNT)
    np.testing.assert_allclose(price(torch.from_numpy(start[3:])), expected, rtol=0.08)


def test_devices_are_charged_for_the_edge_work_of_their_tasks():
    environment = SimpleNamespace(joined=np.array([[0.0, 0.4]]), edge=np.array([[1.0, 0.0]]))
    price = EdgePrice()
    price.prices += 7.0
    charges = EdgeCharges(environment, 1, 0.9)
    charges.record(0, truncated=False)
    reward = torch.zeros(1, 1, 2)
    charges._learn = lambda price: None
    charges.charge(price, reward)
    torch.testing.assert_close(reward[0, 0], torch.tensor([0.0, -2.8]))


def test_the_price_does_not_fall_beyond_the_longest_queue_seen():
    price, waiting = EdgePrice(), torch.linspace(0.0, 1.0, 4000, dtype=torch.float64)
    price.learn(waiting, 4.0 * waiting)
    seen = float(price(torch.tensor([0.9])))
    assert seen == pytest.approx(3.6, rel=0.05)
    assert (price(torch.tensor([5.0, 50.0, 5000.0])) >= seen).all()


def test_prices_scale_with_the_capacity_of_the_server():
    price, waiting = EdgePrice(), torch.tensor([0.1, 2.0, 50.0])
    price.scale = 4.0
    for _ in range(60):
        price.learn(waiting.repeat(20), torch.tensor([1.0, 5.0, 30.0]).double().repeat(20))
    at_four = price(waiting)
    assert float(at_four[1]) == pytest.approx(5.0, rel=0.2)
    price.scale = 1.0
    torch.testing.assert_close(price(waiting), at_four / 4.0)
