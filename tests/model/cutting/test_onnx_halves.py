"""ONNX networks cut in two: head then tail is the whole, whatever crosses."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

onnx = pytest.importorskip("onnx", reason="cutting ONNX files needs the extra lyaopt[profile]")

import numpy as np  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.cutting import check_halves, cut_onnx  # noqa: E402
from lyaopt.model.profiles.graph import legal_cuts  # noqa: E402
from lyaopt.model.profiles.onnx_profiler import load_graph  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402


def weight(name, *shape, seed=0):
    rng = np.random.default_rng([seed, *map(ord, name)])
    return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(
        kind, inputs.split(), outputs.split(), name=f"{kind}-{outputs.split()[0]}", **attributes
    )


def network(nodes, weights, *, inputs=None, outputs=("y",)):
    given = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, (kind, shape) in (inputs or {"x": (TensorProto.FLOAT, [1, 3, 6, 6])}).items()
    ]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "net", given, made, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


KERNELS = [weight("w1", 3, 3, 3, 3), weight("w2", 3, 3, 3, 3, seed=1), weight("w3", 3, 5)]
CONVOLUTION = {"pads": [1, 1, 1, 1]}
NETWORKS = {
    "chain": network(
        [
            node("Conv", "x w1", "a", **CONVOLUTION),
            node("Relu", "a", "b"),
            node("Conv", "b w2", "c", **CONVOLUTION),
            node("GlobalAveragePool", "c", "d"),
            node("Flatten", "d", "e"),
            node("Gemm", "e w3", "y"),
        ],
        KERNELS,
    ),
    "branches": network(
        [
            node("Conv", "x w1", "a", **CONVOLUTION),
            node("Conv", "a w2", "b", **CONVOLUTION),
            node("Add", "a b", "c"),
            node("Add", "c x", "d"),
            node("Conv", "d w1", "y", **CONVOLUTION),
        ],
        KERNELS[:2],
    ),
    "only the shape of the input": network(
        [
            node("Conv", "x w1", "a", strides=[2, 2], **CONVOLUTION),
            node("Conv", "a w2", "b", **CONVOLUTION),
            node("Shape", "x", "s"),
            helper.make_node("Resize", ["b", "", "", "s"], ["c"], name="resize"),
            node("Conv", "c w1", "y", **CONVOLUTION),
        ],
        KERNELS[:2],
    ),
    "an output before the cut, rearranged after it": network(
        [
            node("Conv", "x w1", "a", **CONVOLUTION),
            node("Conv", "a w2", "b", **CONVOLUTION),
            node("Conv", "b w1", "y", **CONVOLUTION),
            node("Transpose", "a", "early", perm=[0, 2, 3, 1]),
        ],
        KERNELS[:2],
        outputs=("early", "y"),
    ),
    "an output that crosses": network(
        [node("Conv", "x w1", "a", **CONVOLUTION), node("Conv", "a w2", "y", **CONVOLUTION)],
        KERNELS[:2],
        outputs=("a", "y"),
    ),
    "crossing data that the tail rearranges": network(
        [
            node("Conv", "x w1", "a", **CONVOLUTION),
            node("Transpose", "a", "t", perm=[0, 1, 3, 2]),
            node("Conv", "t w2", "b", **CONVOLUTION),
            node("Add", "b a", "y"),
        ],
        KERNELS[:2],
    ),
    "token ids": network(
        [
            node("Gather", "table ids", "a"),
            node("MatMul", "a w4", "b"),
            node("Relu", "b", "c"),
            node("MatMul", "c w5", "y"),
        ],
        [weight("table", 9, 4), weight("w4", 4, 6), weight("w5", 6, 2)],
        inputs={"ids": (TensorProto.INT64, [1, 7])},
    ),
    "two inputs, one of them late": network(
        [
            node("Conv", "x w1", "a", **CONVOLUTION),
            node("Conv", "a w2", "b", **CONVOLUTION),
            node("Mul", "b z", "c"),
            node("Conv", "c w1", "y", **CONVOLUTION),
        ],
        KERNELS[:2],
        inputs={"x": (TensorProto.FLOAT, [1, 3, 6, 6]), "z": (TensorProto.FLOAT, [1, 1, 6, 6])},
    ),
}


@pytest.fixture(params=NETWORKS)
def path(request, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(NETWORKS[request.param], path)
    return path


def ran(model, given):
    names = [value.name for value in model.graph.output]
    return dict(zip(names, ReferenceEvaluator(model).run(None, given), strict=True))


def given_to(model):
    rng = np.random.default_rng(7)
    values = {}
    for value in model.graph.input:
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        whole = value.type.tensor_type.elem_type == TensorProto.INT64
        values[value.name] = (
            rng.integers(0, 9, shape) if whole else rng.standard_normal(shape).astype(np.float32)
        )
    return values


def test_head_then_tail_is_the_whole_at_every_cut(path):
    whole = onnx.load(path)
    given = given_to(whole)
    expected = ran(whole, given)
    cuts = legal_cuts(load_graph(path), "all")
    assert len(cuts) > 2
    for number in range(1, len(cuts) - 1):
        halves = cut_onnx(path, number, selection="all")
        assert halves.cut == cuts[number]
        for half in (halves.head, halves.tail):
            onnx.checker.check_model(half, full_check=True)
        made = ran(halves.head, given)
        assert [value.name for value in halves.tail.graph.input] == list(cuts[number].crossing)
        crossing = {name: made[name] for name in cuts[number].crossing}
        found = {**made, **ran(halves.tail, crossing)}
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6)
        # Each half has work of its own: no operation with weights is in both.
        assert not {
            each.name for each in halves.head.graph.node if each.op_type in ("Conv", "MatMul", "Gemm")
        } & {each.name for each in halves.tail.graph.node if each.op_type in ("Conv", "MatMul", "Gemm")}
        agreement = check_halves(halves)
        assert agreement.holds
        assert agreement.largest_difference <= agreement.quantised_difference


def chain(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(NETWORKS["chain"], path)
    return path


def test_a_cut_by_the_name_of_its_operation(tmp_path):
    path = chain(tmp_path)
    by_name = cut_onnx(path, "Relu-b")
    assert by_name.number == 1
    assert by_name.crossing == ("b",)
    assert cut_onnx(path, 1).head == by_name.head


def test_fewer_bits_bring_more_error(tmp_path):
    halves = cut_onnx(chain(tmp_path), 1)
    errors = [check_halves(halves, bits=bits).quantised_rms for bits in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    # The quantisation error is that of rounding to 2^bits levels: halved by each bit.
    assert errors[1] / errors[2] == pytest.approx(16.0, rel=0.7)


def test_a_tail_that_differs_is_noticed(tmp_path):
    halves = cut_onnx(chain(tmp_path), 1)
    for tensor in halves.tail.graph.initializer:
        if tensor.name == "w2":
            changed = numpy_helper.to_array(tensor) * np.float32(1.001)
            tensor.CopyFrom(numpy_helper.from_array(changed, "w2"))
    assert not check_halves(halves).holds


def test_weights_in_other_files_are_read(tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(
        deepcopy(NETWORKS["chain"]),
        path,
        save_as_external_data=True,
        location="net.weights",
        size_threshold=0,
        convert_attribute=False,
    )
    assert check_halves(cut_onnx(path, 1)).holds
    (tmp_path / "net.weights").unlink()
    with pytest.raises(ProfileError, match="weights cannot be read"):
        cut_onnx(path, 1)


def saved(model, tmp_path):
    path = tmp_path / "net.onnx"
    onnx.save(model, path)
    return path


def test_files_that_list_their_weights_as_inputs(tmp_path):
    """As all did before version 4 of the format."""
    model = deepcopy(NETWORKS["chain"])
    model.ir_version = 3
    model.graph.input.extend(
        helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
        for each in model.graph.initializer
    )
    halves = cut_onnx(saved(model, tmp_path), 1)
    assert [value.name for value in halves.head.graph.input] == ["x"]
    assert check_halves(halves).holds


@pytest.mark.parametrize("opset", [11, 13, 18, 22])
def test_versions_of_operators_stay(opset, tmp_path):
    model = deepcopy(NETWORKS["chain"])
    model.opset_import[0].version = opset
    halves = cut_onnx(saved(model, tmp_path), 1)
    assert {half.opset_import[0].version for half in (halves.head, halves.tail)} == {opset}
    assert check_halves(halves).holds


def test_a_file_that_is_not_valid_is_one_error(tmp_path):
    """Gemm of version 9 has three inputs."""
    model = deepcopy(NETWORKS["chain"])
    model.opset_import[0].version = 9
    with pytest.raises(ProfileError, match=r"Gemm-y: .* input size 2"):
        cut_onnx(saved(model, tmp_path), 1)


def test_an_open_batch_needs_a_shape_and_the_halves_take_it(tmp_path):
    model = deepcopy(NETWORKS["chain"])
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    path = saved(model, tmp_path)
    with pytest.raises(ProfileError, match="open sizes"):
        cut_onnx(path, 1)
    halves = cut_onnx(path, 1, input_shape=(2, 3, 6, 6))
    assert halves.crossing_tensors[0].shape == (2, 3, 6, 6)
    assert check_halves(halves).holds


def test_a_network_that_draws_numbers_is_not_compared(tmp_path):
    model = network(
        [
            node("MatMul", "x w", "a"),
            node("RandomNormalLike", "a", "r"),
            node("Add", "a r", "b"),
            node("MatMul", "b w", "y"),
        ],
        [weight("w", 6, 6)],
        inputs={"x": (TensorProto.FLOAT, [1, 6])},
    )
    with pytest.raises(ProfileError, match="draws random numbers"):
        check_halves(cut_onnx(saved(model, tmp_path), 1))


def test_half_precision_may_differ_by_its_steps(tmp_path):
    kernels = [numpy_helper.from_array(np.full((3, 3, 3, 3), 0.1, np.float16), "w")]
    nodes = [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Conv", "b w", "y")]
    model = network(nodes, kernels, inputs={"x": (TensorProto.FLOAT16, [1, 3, 6, 6])})
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    agreement = check_halves(cut_onnx(saved(model, tmp_path), 1))
    assert agreement.tolerance == pytest.approx(4.0 / 1024.0)
    assert agreement.holds


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (0, "leave one half empty"),
        (-1, "from 1 to K - 1"),
        (99, "from 1 to K - 1 = 2, got 99"),
        ("none", "Relu-b"),
    ],
)
def test_a_cut_that_is_none_is_refused(at, reason, tmp_path):
    with pytest.raises(ProfileError, match=reason):
        cut_onnx(chain(tmp_path), at)


def test_the_command_writes_both_halves(tmp_path, capsysbinary):
    path, out = chain(tmp_path), tmp_path / "halves"
    assert run(["cut", str(path), "--at", "1", "--out", str(out), "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert document["crossing"] == [{"name": "b", "type": "float32", "shape": [1, 3, 6, 6]}]
    assert document["check"]["equal"] is True
    assert document["bits"] == 3 * 6 * 6 * 8
    given = given_to(onnx.load(path))
    made = ran(onnx.load(out / "head.onnx"), given)
    found = ran(onnx.load(out / "tail.onnx"), made)
    np.testing.assert_allclose(found["y"], ran(onnx.load(path), given)["y"], rtol=1e-6)
    assert run(["cut", str(path), "--at", "Relu-b", "--out", str(out), "--no-check"]) == 0
    assert "Check" not in capsysbinary.readouterr().out.decode()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.onnx"], "no such file"),
        (["net.txt"], "ends in .pt2 or .onnx"),
        (["broken.onnx"], "not an ONNX file"),
        (["net.onnx", "--at", "9"], "got 9"),
    ],
)
def test_what_cannot_be_cut_is_one_line(arguments, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    chain(tmp_path)
    (tmp_path / "net.txt").write_text("text")
    (tmp_path / "broken.onnx").write_bytes(b"\xff\x00broken")
    name, *options = arguments
    assert run(["cut", name, "--at", "1", "--out", "halves", *options]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "halves").exists()
