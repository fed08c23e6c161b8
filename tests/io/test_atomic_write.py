"""Atomic writes of files, and of links, pipes and devices."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lyaopt.io.atomic_write import write_whole


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a"
    for content in (b"first", b"second"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, b"content")
    assert link.is_symlink()
    assert target.read_bytes() == b"content"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_into_and_stays_one(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"content")
    reader.join()
    assert read == [b"content"]
    assert pipe.is_fifo()


def test_a_device_is_written_into():
    write_whole(Path(os.devnull), b"content")
    assert not Path(os.devnull).is_file()


def test_a_failed_write_keeps_the_old_content(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "missing" / "a", b"content")
    assert list(tmp_path.iterdir()) == []
