"""Locks of folders hold whatever happens to their file."""

from __future__ import annotations

import fcntl
import os

import pytest

from lyaopt.errors import FolderLockedError
from lyaopt.io import folder_lock
from lyaopt.io.folder_lock import LOCK, locked_folder


@pytest.mark.parametrize("replace", [False, True], ids=["removed", "replaced"])
def test_nobody_gets_in_where_the_file_is_removed(replace, tmp_path):
    with locked_folder(tmp_path, "training"):
        (tmp_path / LOCK).unlink()
        if replace:
            (tmp_path / LOCK).touch()
        with pytest.raises(FolderLockedError), locked_folder(tmp_path, "training"):
            pass
    with locked_folder(tmp_path, "training"):
        pass


def test_the_file_alone_keeps_others_out_where_folders_cannot_be_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "_lock_folder", lambda path, held: None)
    with (
        locked_folder(tmp_path, "training"),
        pytest.raises(FolderLockedError),
        locked_folder(tmp_path, "training"),
    ):
        pass


def test_a_file_that_is_replaced_while_it_is_locked_is_not_held(tmp_path, monkeypatch):
    """Another process removed the file between opening and locking, and a third one locks the new one."""
    monkeypatch.setattr(folder_lock, "_lock_folder", lambda path, held: None)
    real, tries = fcntl.flock, []

    def lock(descriptor, how):
        real(descriptor, how)
        tries.append(descriptor)
        if len(tries) < 3:
            (tmp_path / LOCK).unlink()
            (tmp_path / LOCK).touch()

    monkeypatch.setattr(folder_lock.fcntl, "flock", lock)
    with locked_folder(tmp_path, "training"):
        assert len(tries) == 3
        assert os.path.samestat(os.fstat(tries[-1]), os.stat(tmp_path / LOCK))


def test_all_descriptors_are_closed(tmp_path):
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with (
            locked_folder(tmp_path, "training"),
            pytest.raises(FolderLockedError),
            locked_folder(tmp_path, ""),
        ):
            pass
    assert len(os.listdir("/dev/fd")) == before
