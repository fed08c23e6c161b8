"""Damaged folders of trainings: one error of lyaopt in one line, whatever is wrong with their files."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.learning import load_policy  # noqa: E402
from lyaopt.learning.plot import draw_training  # noqa: E402
from lyaopt.learning.run_folder import LOG, RUN, RunFolder  # noqa: E402
from lyaopt.learning.start_training import resume  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from tests.io.test_damage import one_line, places, replaced  # noqa: E402

BRIEF = ["--preset", "shared", "--episodes", "1", "--replications", "1", "--seed", "4"]
USED = ("algorithm", "config", "features", "choices", "first_choice", "ranges", "preset", "seed")
STRANGE = (None, "x", -3, [], {}, [[]])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a finished training, its document, tensors and progress."""
    path = tmp_path_factory.mktemp("train") / "run"
    assert run(["train", "balanced", *BRIEF, "--out", str(path)]) == 0
    folder = RunFolder(path)
    return folder, folder.load_document(), *folder.load_checkpoint()


def write(folder, document, tensors, progress):
    """Files with right checksums, whatever is in them."""
    (folder.path / RUN).write_text(json.dumps(document))
    progress = {key: value for key, value in progress.items() if key not in ("run_sha256", "schema_version")}
    folder.write_checkpoint(folder.format_checkpoint(tensors, progress))


def test_strange_values_in_the_document_are_read_or_refused(trained):
    folder, document, tensors, progress = trained
    system, refused = load_scenario("balanced"), 0
    paths = [path for path in places(document) if path and path[0] in USED]
    for number, path in enumerate(paths):
        value = STRANGE[number % len(STRANGE)]
        write(folder, replaced(document, path, value), tensors, progress)
        refused += one_line(load_policy, folder.path)
        refused += one_line(resume, folder, system, "lyappo")
    write(folder, document, tensors, progress)
    assert refused > len(paths) // 2
    assert load_policy(folder.path).name == "lyappo"


def test_missing_keys_and_tensors_are_refused(trained, capsys):
    folder, document, tensors, progress = trained
    system = load_scenario("balanced")
    for key in USED:
        write(folder, {name: value for name, value in document.items() if name != key}, tensors, progress)
        one_line(load_policy, folder.path)
        one_line(resume, folder, system, "lyappo")
    for key in tensors:
        write(folder, document, {name: value for name, value in tensors.items() if name != key}, progress)
        one_line(load_policy, folder.path)
        one_line(resume, folder, system, "lyappo")
        write(folder, document, {**tensors, key: torch.zeros(1)}, progress)
        one_line(load_policy, folder.path)
        one_line(resume, folder, system, "lyappo")
    for key in ("round", "log_bytes"):
        for value in STRANGE:
            write(folder, document, tensors, {**progress, key: value})
            one_line(resume, folder, system, "lyappo")
    write(folder, {"schema_version": 2}, tensors, progress)
    assert run(["train", "balanced", "--resume", "--out", str(folder.path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    write(folder, document, tensors, progress)


@pytest.mark.parametrize("text", ["{}\n", "not JSON\n", '{"return": 1}\n', "[]\n", '{"return": "x"}\n'])
def test_a_damaged_log_is_not_drawn(trained, text):
    pytest.importorskip("matplotlib")
    folder = trained[0]
    whole = (folder.path / LOG).read_bytes()
    (folder.path / LOG).write_text(text)
    with pytest.raises(ProblemError, match="damaged"):
        draw_training(folder.path, "x.svg")
    (folder.path / LOG).write_bytes(whole)


@pytest.mark.parametrize("left", [0, 1, -1, -100], ids=lambda left: f"{left} bytes")
def test_a_log_shorter_than_the_checkpoint_says_is_refused_and_left_as_it_is(trained, left, capsys):
    folder = trained[0]
    path = folder.path / LOG
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    assert run(["train", "balanced", "--preset", "shared", "--resume", "--out", str(folder.path)]) == 2
    assert "log.ndjson" in capsys.readouterr().err
    assert path.read_bytes() == whole[:left]
    path.write_bytes(whole)


def test_a_log_of_another_training_is_refused(trained):
    folder = trained[0]
    whole = (folder.path / LOG).read_bytes()
    (folder.path / LOG).write_bytes(b"\0" * (len(whole) + 100))
    with pytest.raises(ProblemError, match="whole lines"), folder.log(len(whole)):
        pass
    (folder.path / LOG).write_bytes(whole + b'{"later": 1}\n{"cut')
    with folder.log(len(whole)) as log:
        assert log.tell() == len(whole)
    assert (folder.path / LOG).read_bytes() == whole


def test_the_log_reaches_the_disk_before_the_checkpoint_that_names_its_length(trained, tmp_path, monkeypatch):
    import os

    from lyaopt.learning import run_folder

    folder, seen = RunFolder(tmp_path), []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append("log"))
    monkeypatch.setattr(run_folder, "write_whole", lambda path, content: seen.append(path.name))
    with folder.log(0) as log:
        log.write(b"{}\n")
        folder.write_checkpoint(b"", log)
        assert (tmp_path / LOG).read_bytes() == b"{}\n"
    assert seen == ["log", "checkpoint.safetensors"]
