"""The loss and its gradient, against formulas in PyTorch in double precision."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from lyaopt.learning.architectures import make_network  # noqa: E402
from lyaopt.learning.config import PPOConfig  # noqa: E402
from lyaopt.learning.distributions import Points  # noqa: E402
from lyaopt.learning.flat_adam import FlatAdam  # noqa: E402
from lyaopt.learning.networks import Shape  # noqa: E402
from lyaopt.learning.objective import ChainGradient, Choices, Returns, losses_of, terms_of  # noqa: E402

SHAPE = Shape(features=9, choices=(3, 2, 21, 38), first_choice=1)
CONFIG = PPOConfig(hidden_layers=2, hidden_units=20, value_weight=0.5)
ROWS = 61


def plain_loss(network, choices, returns, config, bonus):
    """The loss as the paper has it, in operations of PyTorch."""
    logs = network.points(choices.features).log_probability
    now = logs.gather(-1, choices.actions.unsqueeze(-1)).squeeze(-1)
    entropies = -(logs.exp() * logs).sum(-1)
    if config.credit == "joint":
        log_ratio, advantage = (now - choices.log_probability).sum(-1), choices.advantage[:, 0]
    else:
        log_ratio, advantage = (now - choices.log_probability)[choices.met], choices.advantage[choices.met]
        entropies = entropies[choices.met]
    if config.normalise_advantages:
        advantage = (advantage - advantage.mean()) / advantage.std(correction=0)
    ratio = log_ratio.exp()
    within = ratio.clamp(1.0 - config.clip_range, 1.0 + config.clip_range)
    objective = torch.minimum(ratio * advantage, within * advantage).mean()
    value_loss = (network.scaled_value(returns.features) - returns.returns).square().mean()
    return config.value_weight * value_loss - objective - bonus * entropies.mean()


def minibatch(seed=5):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(ROWS, SHAPE.features, generator=generator)
    actions = torch.stack(
        [torch.randint(SHAPE.first_choice, count, (ROWS,), generator=generator) for count in SHAPE.choices],
        -1,
    )
    old, advantage = torch.randn(2, ROWS, len(SHAPE.choices), generator=generator)
    met = torch.rand(ROWS, len(SHAPE.choices), generator=generator) < 0.4
    returns = Returns(features[:50], torch.randn(50, 2, generator=generator))
    return Choices(features, actions, 0.3 * old - torch.tensor(SHAPE.choices).log(), met, advantage), returns


def doubled(rows):
    return type(rows)(*(column.double() if column.is_floating_point() else column for column in rows))


def make(config):
    network = make_network(SHAPE, 2, config, torch.Generator().manual_seed(2))
    with torch.no_grad():
        network.points_layer.weight.mul_(30.0)
    return network


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("credit", ["joint", "device"])
def test_both_gradients_against_the_plain_loss(credit, normalise):
    config = replace(CONFIG, credit=credit, normalise_advantages=normalise)
    choices, returns = minibatch()
    exact = make(config).double()
    expected = plain_loss(exact, doubled(choices), doubled(returns), config, 0.1)
    expected.backward()
    chained, derived = make(config), make(config)
    loss, parts = losses_of(derived, choices, returns, terms_of(config, 0.1))
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    optimiser = FlatAdam(chained, 1.0)
    optimiser.zero_grad()
    assert ChainGradient(chained).write(choices, returns, terms_of(config, 0.1)) == pytest.approx(
        parts, rel=1e-5
    )
    for network in (chained, derived):
        for found, wanted in zip(network.parameters(), exact.parameters(), strict=True):
            scale = float(wanted.grad.abs().max())
            assert float((found.grad.double() - wanted.grad).abs().max()) < 1e-5 * scale


def test_while_the_actor_waits_only_the_critic_has_a_gradient():
    choices, returns = minibatch()
    network = make(CONFIG)
    FlatAdam(network, 1.0).zero_grad()
    ChainGradient(network).write(choices, returns, terms_of(CONFIG, 0.1, trains_actor=False))
    assert not any(weight.grad.any() for weight in (*network.actor.parameters(), network.points_layer.weight))
    assert all(weight.grad.any() for weight in (*network.critic.parameters(), network.value_layer.weight))


def test_judged_points_against_double_precision():
    generator = torch.Generator().manual_seed(1)
    logits = 4.0 * torch.randn(40, 3, 38, generator=generator)
    logits[:, 1, 30:] = -1e9
    logits[0, 0, 5] = 60.0  # nearly certain
    points = torch.randint(30, (40, 3), generator=generator)
    needed = torch.rand(40, 3, generator=generator) < 0.5
    found, exact = logits.clone().requires_grad_(), logits.double().requires_grad_()
    upstream = torch.randn(2, 40, 3, generator=generator)
    of_needed = [part[needed] for part in Points(exact).log_prob_and_entropy(points)]
    torch.autograd.backward(of_needed, [part.double()[needed] for part in upstream])
    judged = Points(found).log_prob_and_entropy(points, needed)
    torch.autograd.backward(list(judged), list(upstream))
    for one, other in zip(judged, of_needed, strict=True):
        torch.testing.assert_close(one[needed].double(), other, rtol=1e-5, atol=2e-5)
        assert not one[~needed].any()
    torch.testing.assert_close(found.grad.double(), exact.grad, rtol=1e-5, atol=1e-5)


def test_log_probabilities_of_draws_are_those_of_the_points():
    generator = torch.Generator().manual_seed(1)
    logits = 2.0 * torch.randn(50, 4, 38, generator=generator)
    points, log_prob = Points(logits).draw(generator)
    torch.testing.assert_close(log_prob, Points(logits).log_prob(points), rtol=1e-6, atol=1e-6)
