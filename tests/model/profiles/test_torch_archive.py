"""Files of torch.export are read as data: what would run code is refused, and nothing of it runs."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import pytest

torch = pytest.importorskip("torch", reason="reading PyTorch files needs the extra lyaopt[profile]")

from lyaopt.errors import ProfileError  # noqa: E402
from lyaopt.model.profiles.torch_archive import checked_archive  # noqa: E402
from lyaopt.model.profiles.torch_profiler import profile_torch  # noqa: E402
from lyaopt.model.profiles.torch_programs import load_program  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402

MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
SAMPLES = "data/sample_inputs/model.pt"


class Net(torch.nn.Module):
    """Sizes that are computed, a constant, and a mask made of the size."""

    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 6), torch.nn.Linear(6, 2)

    def forward(self, x, *, scale):
        y = self.first(x).reshape(-1, 6) * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        return {"y": self.second(y.relu()).view(x.shape[0], -1) * scale[0], "n": x.shape[0] // 2}


def saved(dynamic=True, module=None):
    """Bytes of a file, and the module."""
    module = (module or Net()).eval()
    shapes = {"x": {0: torch.export.Dim("batch", min=2, max=64)}, "scale": [None]} if dynamic else None
    arguments = (torch.randn(4, 4),), {"scale": [torch.ones(1)]}
    content = io.BytesIO()
    torch.export.save(torch.export.export(module, *arguments, dynamic_shapes=shapes), content)
    return content.getvalue(), module


def changed(content, change):
    """The same file with other members: `change` maps their contents by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(parts)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, part in parts.items():
            archive.writestr(f"archive/{name}", part)
    return made.getvalue()


def in_model(find, replace):
    def change(parts):
        assert find in parts[MODEL].decode()
        parts[MODEL] = parts[MODEL].decode().replace(find, replace, 1).encode()

    return change


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pt2"


def test_a_file_gives_the_profile_of_its_module(path):
    content, module = saved(dynamic=False)
    path.write_bytes(content)
    loaded, arguments, keywords = load_program(path)
    expected = profile_torch(module, arguments, example_kwargs=keywords)
    found = profile_torch(loaded, arguments, example_kwargs=keywords, name=expected.name)
    assert found.cuts == expected.cuts
    # The sample inputs are those of the file.
    assert torch.equal(keywords["scale"][0], torch.ones(1))


def test_open_sizes_need_a_shape(path):
    path.write_bytes(saved()[0])
    with pytest.raises(ProfileError, match=r"the input x has open sizes .*needs an input shape"):
        load_program(path)
    module, arguments, keywords = load_program(path, {"x": (8, 4)})
    assert arguments[0].shape == (8, 4)
    assert profile_torch(module, arguments, example_kwargs=keywords).total_macs == 8 * (24 + 12)
    with pytest.raises(ProfileError, match="expected an input shape of 2 sizes"):
        load_program(path, {"x": (8, 4, 1)})
    with pytest.raises(ProfileError, match="there is no input z"):
        load_program(path, {"z": (8, 4)})


MARK = "torch_archive_ran"


class Bomb:
    def __reduce__(self):
        return exec, (f"import builtins; builtins.{MARK} = True",)


def pickled_weights(parts):
    config = json.loads(parts[WEIGHTS])
    next(iter(config["config"].values()))["use_pickle"] = True
    parts[WEIGHTS] = json.dumps(config).encode()
    parts["data/weights/weight_0"] = pickle.dumps(Bomb())


def bomb_of_samples(parts):
    parts[SAMPLES] = pickle.dumps(Bomb())


def guards(parts):
    model = json.loads(parts[MODEL])
    model["guards_code"] = [f"exec('import builtins; builtins.{MARK} = True') is None"]
    parts[MODEL] = json.dumps(model).encode()


RUN = f"exec('import builtins; builtins.{MARK} = True')"
REFUSED = {
    "pickled weights": (pickled_weights, "are pickled"),
    "a size that runs code": (in_model("Symbol('s", f"{RUN} or Symbol('s"), "no expression of sizes"),
    "a size that reads attributes": (in_model("Symbol('s", "Symbol.__class__('s"), "no expression of sizes"),
    "a size that is none": (in_model("Symbol('s", "Symbol('s' s"), "is no expression"),
    "a function of torch": (in_model("torch.ops.aten.linear.default", "torch.os.system"), "no operator"),
    "an operator on files": (
        in_model("torch.ops.aten.linear.default", "torch.ops.aten.from_file.default"),
        "no operator",
    ),
    "an operator of others": (
        in_model("torch.ops.aten.linear.default", "torch.ops.mine.linear.default"),
        "no operator",
    ),
    "a name that is code": (in_model('"name": "x"', '"name": "x=exec(1)"'), "has the name"),
    "a structure of others": (in_model("builtins.dict", "collections.defaultdict"), "are of the type"),
    "an enumeration": (in_model("builtins.list", "enum.Enum"), "are of the type"),
    "no model": (lambda parts: parts.pop(MODEL), "not a file of torch.export.save"),
    "no weights": (lambda parts: parts.pop("data/weights/weight_0"), "not a file of torch.export.save"),
    "another format": (
        lambda parts: parts.update(archive_format=b"jit"),
        "not a file of torch.export.save .*its format is not pt2",
    ),
    "a model that is a list": (lambda parts: parts.update({MODEL: b"[1]"}), "cannot read it|not a file"),
}


def ran():
    import builtins

    return hasattr(builtins, MARK)


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_hold_more_than_data_are_refused(case, path):
    change, reason = REFUSED[case]
    path.write_bytes(changed(saved()[0], change))
    with pytest.raises(ProfileError, match=reason):
        load_program(path, {"x": (8, 4)})
    assert not ran()


@pytest.mark.parametrize("change", [bomb_of_samples, guards])
def test_samples_and_guards_do_not_run(change, path):
    path.write_bytes(changed(saved()[0], change))
    module, arguments, keywords = load_program(path, {"x": (8, 4)})
    assert profile_torch(module, arguments, example_kwargs=keywords).total_macs > 0
    assert not ran()


def test_samples_that_are_refused_are_replaced(path):
    path.write_bytes(changed(saved(dynamic=False)[0], bomb_of_samples))
    _, arguments, _ = load_program(path)
    assert arguments[0].shape == (4, 4)
    assert not ran()


def test_the_copy_holds_no_pickle():
    copy, samples = checked_archive(changed(saved()[0], guards))
    with zipfile.ZipFile(copy) as archive:
        assert archive.read(f"archive/{SAMPLES}") == b""
        assert json.loads(archive.read(f"archive/{MODEL}"))["guards_code"] == []
    assert samples


def test_a_module_in_training_mode_is_refused(path):
    layers = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(), torch.nn.Linear(4, 4))
    torch.export.save(torch.export.export(layers.train(), (torch.randn(1, 4),)), path)
    with pytest.raises(ProfileError, match="exported in training mode"):
        load_program(path)


def test_the_command_says_so_in_one_line(path, monkeypatch, capsys):
    monkeypatch.chdir(path.parent)
    path.write_bytes(changed(saved()[0], pickled_weights))
    for command in (["profile", path.name], ["cut", path.name, "--at", "1", "--out", "halves"]):
        assert run(command) == 2
        error = capsys.readouterr().err
        assert "are pickled in the file, which could run code" in error
        assert error.count("\n") == 1
    assert not (path.parent / "halves").exists()


def archive_of(model, kind=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as archive:
        archive.writestr("archive/archive_format", "pt2")
        archive.writestr(f"archive/{MODEL}", model)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive_of(b" " * 10**6, zipfile.ZIP_DEFLATED), "compressed"),
        (archive_of(b"[" * 10**6), "RecursionError"),
        (archive_of(b"{}").replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"), "encrypted"),
    ],
)
def test_files_that_grow_or_cannot_be_read_are_refused(content, words):
    """Parts of a file of PyTorch are as long in it as they are: a small file takes no giant memory."""
    with pytest.raises(ProfileError, match=words):
        checked_archive(content)
