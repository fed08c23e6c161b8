"""Errors can be pickled without loss, and have plain messages."""

from __future__ import annotations

import pickle

import pytest

from lyaopt import errors
from lyaopt.errors import LyaoptError
from lyaopt.io.folder_lock import locked_folder
from lyaopt.serve.client import PeerGoneError, PeerTimeoutError

MADE = [
    errors.ProblemError("$.a", "expected a number, got null"),
    errors.DocumentError([("$.a", "duplicate key"), ("$.b", "missing required key")], 3),
    errors.MissingExtraError("torch", "train"),
    errors.ParseError("expected JSON, got an error", 2),
    errors.FolderLockedError("run", "training"),
    errors.EngineError("no scheduler"),
    errors.ProfileError("no network"),
    errors.SolverError("edge problem", "ECOS", "infeasible"),
    errors.DivergedError("update 3: loss is nan"),
    errors.RuleError("deadline", "raised ValueError in slot 3"),
    PeerGoneError("the solver ended with status -9"),
    PeerTimeoutError("no answer within the time limit"),
]


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_is_pickled_whole(error: LyaoptError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, LyaoptError)
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_every_error_is_made_here() -> None:
    named = {value for name, value in vars(errors).items() if name.endswith("Error")}
    assert named - {LyaoptError} <= {type(error) for error in MADE}


def test_the_error_of_a_locked_folder_names_the_folder_and_the_activity(tmp_path) -> None:
    with (
        locked_folder(tmp_path, "training"),
        pytest.raises(errors.FolderLockedError) as raised,
        locked_folder(tmp_path, "training"),
    ):
        pass
    assert str(raised.value) == f"another training runs in {tmp_path}"
