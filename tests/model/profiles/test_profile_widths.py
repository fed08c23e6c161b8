"""Bits of whole numbers: by the table that they index or by their type, in each kind of network."""

from __future__ import annotations

import warnings

import pytest

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.graph import Graph, Operation, ProfileWarning, legal_cuts, make_profile
from lyaopt.model.profiles.widths import Width, element_widths

INDICES_15 = Width(15, "indices of 30000 rows")
TRUTH = Width(1, "truth values")


def whole(bits):
    return Width(bits, f"whole numbers of {bits} bits")


@pytest.mark.parametrize(
    ("types", "indices", "copies", "expected"),
    [
        ({"x": 64}, [("x", 30_000)], [], {"x": INDICES_15}),
        ({"x": 64}, [("x", 40_000), ("x", 30_000)], [], {"x": INDICES_15}),
        # The range of a copy is that of the whole chain, also through floats.
        ({"x": 64, "y": 32}, [("y", 30_000)], [("x", "y")], {"x": INDICES_15, "y": INDICES_15}),
        ({"y": 64}, [("y", 30_000)], [("x", "y")], {"x": INDICES_15, "y": INDICES_15}),
        ({"x": 64}, [("x", 30_000)], [("x", "y")], {"x": INDICES_15, "y": INDICES_15}),
        # Without a table, by type; small whole numbers are quantised features unless they index.
        ({"x": 64, "y": 16, "z": 8, "u": 4}, [], [], {"x": whole(64), "y": whole(16)}),
        ({"z": 8}, [("z", 7)], [], {"z": Width(3, "indices of 7 rows")}),
        # A table larger than the type allows.
        ({"z": 16}, [("z", 2**20)], [], {"z": whole(16)}),
        # Truth values stay so as floats; what they are made of need not be one.
        ({"m": 1}, [], [("m", "f")], {"m": TRUTH, "f": TRUTH}),
        ({"m": 1, "x": 64}, [], [("x", "m")], {"m": TRUTH, "x": whole(64)}),
    ],
)
def test_bits_by_hand(types, indices, copies, expected):
    assert element_widths(types, indices, copies) == expected


@pytest.mark.parametrize(("rows", "bits"), [(1, 1), (2, 1), (3, 2), (32_768, 15), (32_769, 16)])
def test_rows_need_the_bits_of_the_last_index(rows, bits):
    assert element_widths({"x": 64}, [("x", rows)], [])["x"].bits == bits


# A token network: 12 ids of 64 elements of features each, a mask that joins later.
TOKENS = Graph(
    ("ids", "mask"),
    (
        Operation("embed", ("ids",), ("e",)),
        Operation("fc", ("e",), ("f",), 100),
        Operation("masked", ("f", "mask"), ("g",)),
        Operation("out", ("g",), ("y",), 50),
    ),
    {"ids": 12, "mask": 12, "e": 768, "f": 24, "g": 24, "y": 2},
    {"ids": INDICES_15, "mask": TRUTH},
)


def test_a_cut_sends_each_tensor_in_its_own_bits():
    cuts = legal_cuts(TOKENS, "all", bits_per_element=4)
    assert [(cut.after, cut.bits) for cut in cuts] == [
        ("input", 12 * 15 + 12),
        ("masked", 24 * 4),
        ("out", 0),
    ]
    assert cuts[0].elements == 24


def test_bits_of_inputs_are_warned_about_and_can_be_given():
    with pytest.warns(ProfileWarning, match=r"ids counts 15 bits \(indices of 30000 rows\).*input-bits ids="):
        assert make_profile("net", "test", TOKENS).input_bits == 12 * 15 + 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = {"ids": 7, "mask": 2}
        assert make_profile("net", "test", TOKENS, input_bits=given).input_bits == 12 * 7 + 12 * 2


@pytest.mark.parametrize("bits", [0, 65, 1.5, True, "7"])
def test_bits_that_are_none_are_refused(bits):
    with pytest.raises(ProfileError, match="bits of ids: expected"):
        make_profile("net", "test", TOKENS, input_bits={"ids": bits})
    with pytest.raises(ProfileError, match="inputs ids, mask"):
        make_profile("net", "test", TOKENS, input_bits={"token": 8})


onnx = pytest.importorskip("onnx", reason="profiling networks needs the extra lyaopt[profile]")
torch = pytest.importorskip("torch", reason="profiling networks needs the extra lyaopt[profile]")

import numpy as np  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from torch import nn  # noqa: E402

from lyaopt.model.profiles.onnx_profiler import profile_onnx  # noqa: E402
from lyaopt.model.profiles.torch_profiler import profile_torch  # noqa: E402
from lyaopt.model.profiles.torch_verify import verify_torch  # noqa: E402

EMBED = helper.make_node("Gather", ["table", "i"], ["e"])
CAST = helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64)


@pytest.mark.parametrize(
    ("kind", "nodes", "bits"),
    [
        (TensorProto.INT64, [helper.make_node("Identity", ["x"], ["i"]), EMBED], 15),
        (TensorProto.INT32, [CAST, EMBED], 15),
        (TensorProto.FLOAT, [CAST, EMBED], 15),
        (TensorProto.UINT16, [CAST, EMBED], 15),
        (TensorProto.UINT8, [CAST, EMBED], 8),
        (TensorProto.INT32, [helper.make_node("Cast", ["x"], ["e"], to=TensorProto.FLOAT)], 32),
        (TensorProto.INT64, [helper.make_node("Cast", ["x"], ["e"], to=TensorProto.FLOAT)], 64),
        (TensorProto.BOOL, [helper.make_node("Cast", ["x"], ["e"], to=TensorProto.FLOAT)], 1),
        (TensorProto.UINT8, [helper.make_node("Cast", ["x"], ["e"], to=TensorProto.FLOAT)], 8),
        (TensorProto.FLOAT, [helper.make_node("Identity", ["x"], ["e"])], 8),
    ],
)
@pytest.mark.filterwarnings("ignore::lyaopt.model.profiles.graph.ProfileWarning")
def test_inputs_of_onnx_files(tmp_path, kind, nodes, bits):
    width = 4 if nodes[-1] is EMBED else 12
    constants = {"table": (30_000, 4), "w": (width, 5)}
    graph = helper.make_graph(
        [*nodes, helper.make_node("MatMul", ["e", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", kind, (1, 12))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in constants.items()],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    profile = profile_onnx(path)
    assert profile.input_bits == 12 * bits
    # The embedding sends more than the ids, and a cast in another type is no cut of its own.
    assert len(profile.cuts) == (3 if bits in (32, 64) else 2)
    assert profile_onnx(path, input_bits={"x": 11}).input_bits == 12 * 11


class Words(nn.Module):
    def __init__(self, embed) -> None:
        super().__init__()
        self.table, self.fc, self.embed = nn.Parameter(torch.randn(30_000, 4)), nn.Linear(4, 5), embed

    def forward(self, x):
        return self.fc(self.embed(self.table, x))


@pytest.mark.parametrize(
    ("embed", "x", "bits"),
    [
        (lambda table, x: nn.functional.embedding(x, table), torch.zeros(1, 12, dtype=torch.long), 15),
        (lambda table, x: nn.functional.embedding(x.long(), table), torch.zeros(1, 12).int(), 15),
        (lambda table, x: nn.functional.embedding(x.long(), table), torch.zeros(1, 12), 15),
        (lambda table, x: table[x], torch.zeros(12, dtype=torch.long), 15),
        (lambda table, x: table.index_select(0, x), torch.zeros(12, dtype=torch.long), 15),
        (lambda table, x: table[:12] * x[:, None], torch.zeros(12, dtype=torch.int16), 16),
        (lambda table, x: table[:12] * x[:, None], torch.zeros(12, dtype=torch.bool), 1),
        (lambda table, x: table[:12] * x[:, None], torch.zeros(12), 8),
    ],
    ids=["embedding", "cast", "float", "index", "select", "type", "truth", "features"],
)
@pytest.mark.filterwarnings("ignore::lyaopt.model.profiles.graph.ProfileWarning")
def test_inputs_of_modules(embed, x, bits):
    module = Words(embed)
    assert profile_torch(module, (x,), selection="all").input_bits == 12 * bits
    assert profile_torch(module, (x,), input_bits={"x": 11}).input_bits == 12 * 11
    verify_torch(module, (x,), selection="all")
