"""Frames: what is read is what was written, and nothing else is read."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lyaopt.live.frames import (
    FEATURES,
    HEADER,
    HELLO,
    MARK,
    VERSION,
    Frame,
    FrameError,
    decode_frame,
    encode_frame,
    payload_bits,
    read_frame,
)

TYPES = [np.float32, np.float64, np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_]
tensors = st.sampled_from(TYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
frames = st.builds(
    Frame,
    st.sampled_from([HELLO, FEATURES]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**63),
    st.lists(tensors, max_size=3).map(tuple),
)
EXAMPLE = Frame(FEATURES, 1, 2, 3, (np.arange(6, dtype=np.float32).reshape(2, 3),))


def reader(data: bytes, most: int = 2**16, at_once: int = 7):
    """A connection that gives a few bytes at a time."""
    place = 0

    def receive(buffer: memoryview) -> int:
        nonlocal place
        piece = data[place : place + min(at_once, len(buffer))]
        buffer[: len(piece)] = piece
        place += len(piece)
        return len(piece)

    return lambda: read_frame(receive, most)


def same(a: Frame, b: Frame) -> bool:
    numbers = (a.kind, a.service, a.cut, a.task) == (b.kind, b.service, b.cut, b.task)
    return numbers and [(t.dtype, t.shape, t.tobytes()) for t in a.tensors] == [
        (t.dtype, t.shape, t.tobytes()) for t in b.tensors
    ]


@given(frames)
def test_what_is_read_is_what_was_written(frame):
    data = encode_frame(frame)
    assert len(data) * 8 == payload_bits(frame.tensors)
    read = reader(data + data)
    assert same(read(), frame)
    assert same(read(), frame)
    assert read() is None


def test_elements_are_the_bytes_of_the_tensor_in_little_endian():
    tensor = np.array([[1.5, -2.0]], ">f8")
    data = encode_frame(Frame(FEATURES, 0, 0, 0, (tensor,)))
    assert data[-16:] == struct.pack("<2d", 1.5, -2.0)
    assert np.array_equal(decode_frame(data[: HEADER.size], data[HEADER.size :]).tensors[0], tensor)


def test_tensors_that_are_not_contiguous_are_sent_in_order():
    tensor = np.arange(12, dtype=np.int32).reshape(3, 4).T[::2]
    read = reader(encode_frame(Frame(FEATURES, 0, 0, 0, (tensor,))))()
    assert np.array_equal(read.tensors[0], tensor)


@given(frames, st.data())
def test_a_frame_that_ends_early_is_refused(frame, data):
    whole = encode_frame(frame)
    kept = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(FrameError, match="ended after"):
        reader(whole[:kept])()


@given(st.binary(min_size=HEADER.size, max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises(FrameError):
        reader(data)()


@given(frames, st.data())
def test_a_changed_byte_gives_an_error_or_a_frame_of_the_same_size(frame, data):
    """Never an exception of another kind, and never more memory than the frame has."""
    whole = bytearray(encode_frame(frame))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        read = reader(bytes(whole))()
    except FrameError:
        return
    assert read is not None
    assert sum(tensor.nbytes for tensor in read.tensors) <= len(whole)


def test_a_frame_that_is_too_long_is_refused_before_it_is_read():
    header = bytearray(encode_frame(EXAMPLE)[: HEADER.size])
    header[24:32] = struct.pack("<Q", 2**40)
    with pytest.raises(FrameError, match="at most"):
        reader(bytes(header))()


def test_shapes_that_promise_more_than_there_is_are_refused():
    data = bytearray(encode_frame(EXAMPLE))
    data[HEADER.size + 2 : HEADER.size + 6] = struct.pack("<I", 2**31)
    with pytest.raises(FrameError, match="does not fit"):
        reader(bytes(data))()


def test_axes_whose_product_no_memory_has_are_refused_beside_one_of_0():
    rest = struct.pack("<BB8I", 0, 8, 0, *[2**32 - 1] * 7)
    header = HEADER.pack(MARK, VERSION, FEATURES, 1, 0, 0, 0, len(rest))
    with pytest.raises(FrameError, match="shape"):
        decode_frame(header, rest)


def test_types_without_a_place_in_frames_are_refused():
    with pytest.raises(FrameError, match="c16"):
        encode_frame(Frame(FEATURES, 0, 0, 0, (np.zeros(1, complex),)))
