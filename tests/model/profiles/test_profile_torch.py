"""PyTorch modules: totals, verified cuts, and networks that cannot be profiled."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch", reason="profiling PyTorch modules needs the extra lyaopt[profile]")

from torch import nn  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.graph import ProfileWarning, legal_cuts  # noqa: E402
from lyaopt.model.profiles.torch_profiler import export_network, profile_torch  # noqa: E402
from lyaopt.model.profiles.torch_verify import check_cut, verify_torch  # noqa: E402

# torch.export warns of attributes that nn.LSTM keeps.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:contextlib", "ignore::FutureWarning")


class Inverted(nn.Module):
    """The block of MobileNetV2: widen, filter by channel, narrow, add."""

    def __init__(self, read: int, written: int, stride: int) -> None:
        super().__init__()
        wide = 6 * read
        self.layers = nn.Sequential(
            *(nn.Conv2d(read, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True)),
            *(nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide)),
            *(nn.ReLU6(inplace=True), nn.Conv2d(wide, written, 1, bias=False), nn.BatchNorm2d(written)),
        )
        self.adds = stride == 1 and read == written

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


def inverted_network():
    torch.manual_seed(1)
    blocks = [Inverted(8, 8, 1), Inverted(8, 16, 2), Inverted(16, 16, 1)]
    stem = [nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))


class TwoHeads(nn.Module):
    """A U-shape with attention, a split, a table of positions and two results, one of them early."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.deep = nn.Conv2d(8, 16, 3, 2, 1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.mix = nn.Conv2d(8, 8, 1)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.positions = nn.Parameter(torch.randn(1, 16, 16))
        self.early, self.late = nn.Linear(16, 3), nn.Linear(8, 4)

    def forward(self, x):
        skip = self.down(x).relu_()
        deep = self.deep(skip).relu()
        tokens = deep.flatten(2).transpose(1, 2) + self.positions
        tokens, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        early = self.early(tokens.mean(1))
        first, second = (skip + self.up(tokens.transpose(1, 2).reshape(deep.shape))).chunk(2, dim=1)
        late = self.late(self.mix(torch.cat([second, first], 1)).mean((2, 3)))
        return {"late": late, "early": early[:, None]}


class Views(nn.Module):
    """A tensor and a view of it are both read later; of another tensor only a slice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.side, self.end = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)
        self.fc, self.out = nn.Linear(64, 6), nn.Linear(2, 2)

    def forward(self, x):
        stem = self.stem(x)
        flat = stem.flatten(1)
        side = self.side(stem)
        total = self.fc(flat).sum(1) + side.sum((1, 2, 3))
        return self.out(self.end(stem)[..., 1, 2]) + total


NETWORKS = {
    "views": (Views, (1, 3, 4, 4)),
    "inverted": (inverted_network, (1, 3, 32, 32)),
    "two heads": (TwoHeads, (1, 3, 16, 16)),
    "recurrent": (lambda: nn.LSTM(8, 16, 2, batch_first=True), (1, 5, 8)),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    build, shape = NETWORKS[request.param]
    torch.manual_seed(0)
    return build(), (torch.randn(shape),)


def test_head_then_tail_equals_the_whole_at_every_cut(network):
    verified = verify_torch(*network, selection="all")
    listed = profile_torch(*network, selection="all").cuts
    assert [(cut.after, cut.macs) for cut in verified] == [(cut.after, cut.macs) for cut in listed]


def cut_network():
    module, inputs = TwoHeads().eval(), (torch.randn(1, 3, 16, 16),)
    exported = export_network(module, inputs)
    cut = next(cut for cut in legal_cuts(exported.graph, "all") if len(cut.crossing) == 2)
    return module, inputs, exported, cut


def tensors_of(module, inputs, exported):
    specs = exported.program.graph_signature.input_specs
    weights = [exported.program.state_dict[spec.target] for spec in specs if spec.target]
    placeholders = dict(zip([spec.arg.name for spec in specs], [*weights, *inputs], strict=True))
    values = dict(placeholders)
    for step in exported.steps:
        for node in step:
            arguments = torch.fx.map_arg(node.args, lambda read: values[read.name])
            values[node.name] = node.target(*arguments, **node.kwargs)
    return placeholders, values


def test_a_cut_that_lacks_a_tensor_is_detected():
    module, inputs, exported, cut = cut_network()
    with torch.no_grad():
        whole = list(module(*inputs).values())
        placeholders, values = tensors_of(module, inputs, exported)
        check_cut(exported, cut, values, placeholders, whole)
        with pytest.raises(ProfileError, match="the tail lacks"):
            check_cut(
                exported, dataclasses.replace(cut, crossing=cut.crossing[1:]), values, placeholders, whole
            )


def test_a_changed_crossing_tensor_is_detected():
    module, inputs, exported, cut = cut_network()
    with torch.no_grad():
        whole = list(module(*inputs).values())
        placeholders, values = tensors_of(module, inputs, exported)
        values[cut.crossing[0]] = values[cut.crossing[0]] + 0.1
        with pytest.raises(ProfileError, match="does not hold"):
            check_cut(exported, cut, values, placeholders, whole)


def test_macs_and_bits_by_hand():
    profile = profile_torch(inverted_network(), (torch.randn(1, 3, 32, 32),), bits_per_element=4)
    stem = 16 * 16 * 8 * 27
    first = 16 * 16 * (8 * 48 + 48 * 9 + 48 * 8)
    second = 16 * 16 * 8 * 48 + 8 * 8 * (48 * 9 + 48 * 16)
    third = 8 * 8 * (16 * 96 + 96 * 9 + 96 * 16)
    ends = [0, stem, stem + first, stem + first + second, stem + first + second + third]
    by_macs = {cut.macs: cut for cut in profile.cuts}
    sizes = [3 * 32 * 32, 8 * 16 * 16, 8 * 16 * 16, 16 * 8 * 8, 16]
    assert [by_macs[macs].bits for macs in ends] == [4 * size for size in sizes]
    assert profile.total_macs == ends[-1] + 16 * 5
    # Inside blocks without a shortcut a single tensor crosses; inside those with one it does not.
    inside = [cut for cut in profile.cuts if cut.macs not in [*ends, profile.total_macs]]
    assert all(ends[2] < cut.macs < ends[3] for cut in inside)
    assert len(inside) == 2


def test_a_view_crosses_once_and_a_slice_without_the_rest():
    cuts = profile_torch(Views(), (torch.randn(1, 3, 4, 4),), selection="all", bits_per_element=1).cuts
    stem, side, fc, end = 16 * 3 * 4, 16 * 4 * 4, 64 * 6, 16 * 4 * 2
    sums = 1
    assert [(cut.macs, cut.bits) for cut in cuts] == [
        (0, 48),
        (stem, 64),
        (stem + side, 64 + 64),
        (stem + side + fc, 64 + sums),
        (stem + side + fc + end, 2 + sums),
        (stem + side + fc + end + 4, 0),
    ]


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.Conv1d(4, 6, 3, padding=1, groups=2), (1, 4, 10), 10 * 6 * 3 * 2),
        (nn.ConvTranspose2d(4, 6, 2, 2), (1, 4, 5, 5), 25 * 4 * 6 * 4),
        (nn.LSTM(8, 16, 2), (5, 1, 8), 5 * 4 * 16 * (8 + 16 + 16 + 16)),
        (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            (1, 5, 8),
            5 * 8 * (4 * 8 + 2 * 16) + 2 * 25 * 8,
        ),
    ],
    ids=["grouped", "transposed", "recurrent", "attention"],
)
def test_totals_of_layers(module, shape, macs):
    assert profile_torch(module, (torch.randn(shape),)).total_macs == macs


def test_totals_that_would_be_too_low_are_refused():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag, self.fc = nn.EmbeddingBag(10, 4), nn.Linear(4, 2)

        def forward(self, tokens):
            return self.fc(self.bag(tokens))

    tokens = (torch.tensor([[1, 2]]),)
    with pytest.raises(ProfileError, match=r"bag.*embedding_bag"):
        profile_torch(Bag(), tokens)
    with pytest.warns(ProfileWarning, match=r"bag.*embedding_bag"):
        assert profile_torch(Bag(), tokens, allow_uncounted=True).total_macs == 8


class Formula(nn.Module):
    """A product that PyTorch's counter does not know, then a layer that it does."""

    def __init__(self, product) -> None:
        super().__init__()
        self.product, self.fc = product, nn.Linear(4, 2)
        self.vector = nn.Parameter(torch.randn(4))

    def forward(self, x):
        return self.fc(x) + self.product(x, self.vector).sum()


@pytest.mark.parametrize(
    ("product", "macs"),
    [
        (lambda x, v: x @ v, 3 * 4),
        (lambda x, v: torch.addmv(v[:3], x, v), 3 * 4),
        (lambda x, v: torch.dot(x[0], v), 4),
        (lambda x, v: torch.einsum("ij,kj->ik", x, x), 3 * 3 * 4),
    ],
    ids=["mv", "addmv", "dot", "einsum"],
)
def test_products_with_vectors_are_counted(product, macs):
    assert profile_torch(Formula(product), (torch.randn(3, 4),)).total_macs == 3 * 4 * 2 + macs


@pytest.mark.parametrize(
    "product",
    [
        lambda x, v: torch.cdist(x, x, p=1.0),
        lambda x, v: torch.fft.rfft(x).abs(),
        lambda x, v: torch.linalg.inv(x @ x.T),
    ],
    ids=["distances", "fourier", "inverse"],
)
def test_work_without_weights_that_is_not_counted_is_refused(product):
    with pytest.raises(ProfileError, match="too low"):
        profile_torch(Formula(product), (torch.randn(3, 4),))


@pytest.mark.filterwarnings("error::lyaopt.model.profiles.graph.ProfileWarning")
def test_normalisation_embeddings_and_positions_are_not_warned_about():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.norm, self.fc = nn.Embedding(10, 4), nn.LayerNorm((3, 4)), nn.Linear(4, 2)
            self.positions = nn.Parameter(torch.randn(3, 4))

        def forward(self, tokens):
            return self.fc(self.norm(self.embed(tokens) + self.positions))

    tokens = (torch.tensor([[1, 2, 3]]),)
    assert profile_torch(Tokens(), tokens, input_bits={"tokens": 4}).total_macs == 24


class Masked(nn.Module):
    """Between two layers, something is made of the shape of the input."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make, self.first, self.last = make, nn.Linear(4, 4), nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)

    def forward(self, x):
        hidden = self.second(self.first(x))
        return self.last(hidden + self.make(x, hidden))


@pytest.mark.parametrize(
    "make",
    [
        lambda x, _: torch.ones_like(x),
        lambda x, _: torch.zeros_like(x) + 2,
        lambda x, _: torch.full_like(x, 3.0),
        lambda x, _: x.new_ones(x.shape),
        lambda x, _: x.new_zeros(x.shape[-1]),
        lambda x, _: x.new_full((3, 4), 2.0),
        lambda x, _: torch.ones(4, dtype=torch.float64).type_as(x),
        lambda x, _: torch.ones(4).expand_as(x),
        lambda x, hidden: hidden.view_as(x),
        lambda x, hidden: hidden.reshape_as(x),
        lambda x, _: torch.arange(x.shape[-1]).lt(2).float(),
    ],
    ids=lambda make: "-".join(make.__code__.co_names),
)
def test_a_shape_does_not_cross(make):
    module, inputs = Masked(make), (torch.randn(3, 4),)
    cuts = profile_torch(module, inputs, selection="all").cuts
    assert [(cut.macs, cut.bits) for cut in cuts] == [(0, 96), (48, 96), (96, 96), (144, 0)]
    verify_torch(module, inputs, selection="all")


def test_the_training_mode_is_restored():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4).eval(), nn.Dropout())
    state = {name: value.clone() for name, value in module.state_dict().items()}
    verify_torch(module, (torch.randn(1, 3, 8, 8),))
    assert [part.training for part in module] == [True, False, True]
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


def test_networks_that_cannot_be_exported_are_refused_in_one_line(capfd):
    class Branching(nn.Module):
        def forward(self, x):
            return x @ x if x.sum() > 0 else x

    with pytest.raises(ProfileError, match=r"Branching.*depends on the data") as caught:
        profile_torch(Branching(), (torch.randn(3, 3),))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_control_flow_that_can_be_exported_is_refused_too():
    class Conditional(nn.Module):
        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda y: y @ y, lambda y: y + 1, (x,))

    with pytest.raises(ProfileError, match="control flow has no fixed work"):
        profile_torch(Conditional(), (torch.randn(3, 3),))
