"""PyTorch networks cut in two: head then tail is the whole, bit for bit, also after a file."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

torch = pytest.importorskip("torch", reason="cutting PyTorch networks needs the extra lyaopt[profile]")

from torch.utils import _pytree as pytree  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.cutting import check_torch_halves, cut_torch  # noqa: E402
from lyaopt.model.profiles.torch_profiler import profile_torch  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from tests.model.cutting.torch_networks import Attention, networks  # noqa: E402

NETWORKS = networks()


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


def halves_of(network, at, selection="all"):
    module, arguments, keywords = network
    return cut_torch(module, at, arguments, example_kwargs=keywords, selection=selection)


def cuts_of(network):
    module, arguments, keywords = network
    return profile_torch(
        module, arguments, example_kwargs=keywords, selection="all", allow_uncounted=True
    ).cuts


def leaves(tree):
    return [leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def run_whole(network):
    """Outputs of the exported network, which are those of the module up to rounding (of fused attention)."""
    module, arguments, keywords = network
    with torch.no_grad():
        program = torch.export.export(module.eval(), arguments, keywords).run_decompositions({})
        found = leaves(program.module()(*arguments, **keywords))
        torch.testing.assert_close(found, leaves(module(*arguments, **keywords)))
    return found


def loaded(content):
    return torch.export.load(io.BytesIO(content)).module()


def test_head_then_tail_is_the_whole_at_every_cut_of_the_profile(network):
    module, arguments, keywords = network
    cuts = cuts_of(network)
    expected = run_whole(network)
    assert len(cuts) > 2
    for number in range(1, len(cuts) - 1):
        halves = halves_of(network, number)
        assert (halves.number, halves.cut.after) == (number, cuts[number].after)
        assert (halves.cut.macs, halves.cut.bits) == (cuts[number].macs, cuts[number].bits)
        made = halves.head(*leaves((arguments, keywords)))
        assert list(made)[: len(halves.crossing)] == list(halves.crossing)
        # As if it had been sent: copied, in C order.
        sent = {name: made[name].clone(memory_format=torch.contiguous_format) for name in halves.crossing}
        found = {**made, **halves.tail(**sent)}
        for name, value in zip(halves.outputs, expected, strict=True):
            assert torch.equal(found[name], value)
        assert not any(value.requires_grad for value in found.values())
        agreement = check_torch_halves(halves)
        assert agreement.holds
        assert agreement.same_bits or isinstance(module, Attention)
        assert agreement.quantised_difference >= agreement.largest_difference


def test_files_hold_no_pickle_and_give_the_same(network):
    _, arguments, keywords = network
    expected = run_whole(network)
    for number in range(1, len(cuts_of(network)) - 1):
        halves = halves_of(network, number)
        files = halves.files()
        assert list(files) == ["head.pt2", "tail.pt2"]
        for content in files.values():
            archive = zipfile.ZipFile(io.BytesIO(content))
            for name in archive.namelist():
                assert not archive.read(name).startswith((b"PK", b"\x80")) or "/weight_" in name
                if name.endswith("config.json"):
                    config = json.loads(archive.read(name))["config"]
                    assert not any(each["use_pickle"] for each in config.values())
            assert archive.read("archive/data/sample_inputs/model.pt") == b""
            assert b"stack_trace" not in archive.read("archive/models/model.json")
        made = loaded(files["head.pt2"])(*leaves((arguments, keywords)))
        tail = loaded(files["tail.pt2"])(*(made[name] for name in halves.crossing))
        for name, value in zip(halves.outputs, expected, strict=True):
            assert torch.equal({**made, **tail}[name], value)


def test_each_half_holds_only_the_weights_that_it_uses():
    halves = halves_of(NETWORKS["branches"], "relu")
    assert {name.partition(".")[0] for name in halves.head.state_dict()} == {"first"}
    assert {name.partition(".")[0] for name in halves.tail.state_dict()} == {"second", "third", "last"}
    shared = halves_of(NETWORKS["shared"], 2)
    both = set(shared.head.state_dict()) & set(shared.tail.state_dict())
    assert "table.weight" in both
    module = NETWORKS["shared"][0]
    assert shared.tail.get_parameter("table.weight").data_ptr() == module.table.weight.data_ptr()


def test_fewer_bits_bring_more_error():
    halves = halves_of(NETWORKS["branches"], 1)
    errors = [check_torch_halves(halves, bits=bits).quantised_rms for bits in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] / errors[2] == pytest.approx(16.0, rel=0.7)


def test_whole_numbers_cross_as_they_are():
    halves = [halves_of(NETWORKS["indices"], k) for k in range(1, len(cuts_of(NETWORKS["indices"])) - 1)]
    kinds = {tensor.type for each in halves for tensor in each.crossing_tensors}
    assert {"int64", "bool"} <= kinds


def test_a_tail_that_differs_is_noticed():
    halves = halves_of(NETWORKS["branches"], 1)
    with torch.no_grad():
        # The weights of the halves are those of the module: only a copy may be changed.
        changed = torch.nn.Parameter(halves.tail.second.weight * 1.001)
        halves.tail.second.weight = changed
    assert not check_torch_halves(halves).holds


def test_a_network_that_keeps_state_is_refused():
    class Counts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            self.seen += 1.0
            return self.second(self.first(x)) * self.seen

    with pytest.raises(ProfileError, match="changes seen when it runs"):
        cut_torch(Counts(), 1, (torch.randn(1, 3),))


class Pair(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 6), torch.nn.Linear(6, 3)

    def forward(self, x, z):
        y = self.first(x).relu() + self.first(z)
        return self.second(y), y, x, None, 3


def test_inputs_that_are_one_tensor_are_two():
    x = torch.randn(2, 4)
    halves = cut_torch(Pair(), 1, (x, x))
    made = halves.head(x, torch.zeros_like(x))
    assert torch.equal(made["x"], x)
    assert check_torch_halves(halves).same_bits
    assert halves.inputs == ("x", "z")


class Draws(Pair):
    def forward(self, x):
        y = self.first(x)
        return self.second(y + torch.rand_like(y))


def test_a_network_that_draws_numbers_is_not_compared():
    halves = cut_torch(Draws(), 1, (torch.randn(2, 4),))
    with pytest.raises(ProfileError, match="draws random numbers"):
        check_torch_halves(halves)


@pytest.mark.parametrize(
    ("at", "reason"),
    [(0, "leave one half empty"), (99, r"from 1 to K - 1 = \d, got 99"), ("none", "expected a cut after")],
)
def test_a_cut_that_is_none_is_refused(at, reason):
    with pytest.raises(ProfileError, match=reason):
        halves_of(NETWORKS["branches"], at)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    module, arguments, _ = NETWORKS["branches"]
    module.eval()
    (tmp_path / "nets_to_cut.py").write_text(
        "from tests.model.cutting.torch_networks import networks\n\n\n"
        "def build():\n    return networks()['branches'][:2]\n"
    )
    torch.export.save(torch.export.export(module, arguments), tmp_path / "net.pt2")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("model", ["nets_to_cut:build", "net.pt2"])
def test_the_command_writes_both_halves(folder, model, capsysbinary):
    assert run(["profile", model, "--cuts", "all", "--json"]) == 0
    cuts = json.loads(capsysbinary.readouterr().out)["cuts"]
    assert [cut["after"] for cut in cuts] == [cut.after for cut in cuts_of(NETWORKS["branches"])]
    assert run(["cut", model, "--at", "2", "--cuts", "all", "--out", "halves", "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert (document["after"], document["bits"]) == (cuts[2]["after"], cuts[2]["bits"])
    assert document["check"]["same_bits"] is True
    assert [tensor["type"] for tensor in document["crossing"]] == ["float32"] * len(document["crossing"])
    made = loaded((folder / "halves/head.pt2").read_bytes())(NETWORKS["branches"][1][0])
    found = loaded((folder / "halves/tail.pt2").read_bytes())(
        *(made[each["name"]] for each in document["crossing"])
    )
    expected = run_whole(NETWORKS["branches"])
    assert {tensor.shape for tensor in {**made, **found}.values()} >= {tensor.shape for tensor in expected}
    assert run(["cut", model, "--at", cuts[1]["after"], "--cuts", "all", "--out", "halves"]) == 0
    assert "equal, bit for bit" in capsysbinary.readouterr().out.decode()
    # A half is a network too, with the cuts that are left.
    assert run(["profile", "halves/tail.pt2", "--cuts", "all", "--json"]) == 0
    left = json.loads(capsysbinary.readouterr().out)
    assert left["total_macs"] == cuts[-1]["macs"] - cuts[1]["macs"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.pt2"], "no such file"),
        (["nets_to_cut.py"], "expected MODULE:CALLABLE, or a file that ends in .pt2 or .onnx"),
        (["nets_to_cut:missing"], "has no attribute"),
        (["broken.pt2"], "not a file of torch.export.save"),
        (["net.pt2", "--at", "99"], "got 99"),
    ],
)
def test_what_cannot_be_cut_is_one_line(folder, arguments, reason, capsys):
    (folder / "broken.pt2").write_bytes(b"PK\x03\x04broken")
    name, *options = arguments
    assert run(["cut", name, "--at", "1", "--out", "halves", *options]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (folder / "halves").exists()
