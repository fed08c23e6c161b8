"""Tensors on their way from a device to the edge: a header, then the raw bytes.

All numbers are little-endian. A frame is a header of 32 bytes (mark, version, kind, number of tensors,
service, cut, task, length of the rest), then for each tensor 2 bytes (type, axes) and 4 bytes an axis, then
the elements of all tensors, one after the other. Nothing of it is executed: a frame holds numbers only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.errors import LyaoptError

MARK, VERSION = b"LYOF", 1
HELLO, FEATURES = 1, 2
HEADER = struct.Struct("<4sBBHIIQQ")
MOST_BYTES = 2**28
"""Of the rest of a frame, unless a reader says otherwise."""
_TYPES = ("<f4", "<f8", "<f2", "|i1", "|u1", "<i2", "<i4", "<i8", "|b1")
_MOST_AXES = 8
_MOST_TENSORS = 1024
_SHAPE = struct.Struct("<BB")

Tensor = NDArray[Any]


class FrameError(LyaoptError, ValueError):
    """Bytes that are no frame, or end within one."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What crosses a cut for one task.

    Attributes
    ----------
    kind : int
        `HELLO` opens a connection, `FEATURES` are those of a task.
    service, cut, task : int
        Numbers of the service on its device, of its cut, and of the task of this service; a hello holds the
        number of the device as its service and a secret as its task.
    tensors : tuple of ndarray
        In the order in which the tail takes them.
    """

    kind: int
    service: int
    cut: int
    task: int
    tensors: tuple[Tensor, ...] = ()


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame.

    Parameters
    ----------
    frame : Frame
        What is sent.

    Raises
    ------
    FrameError
        If a tensor has a type that frames do not know.
    """
    shapes, elements = [], []
    for tensor in frame.tensors:
        shapes.append(_encode_shape(tensor))
        elements.append(np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes())
    rest = b"".join([*shapes, *elements])
    count = len(frame.tensors)
    numbers = frame.kind, count, frame.service, frame.cut, frame.task, len(rest)
    return HEADER.pack(MARK, VERSION, *numbers) + rest


def _encode_shape(tensor: Tensor) -> bytes:
    name = tensor.dtype.newbyteorder("<").str
    if name not in _TYPES:
        raise FrameError(f"expected tensors of {', '.join(_TYPES)}, got {tensor.dtype.str}")
    return _SHAPE.pack(_TYPES.index(name), tensor.ndim) + struct.pack(f"<{tensor.ndim}I", *tensor.shape)


def decode_frame(header: bytes, rest: bytes | bytearray) -> Frame:
    """Return the frame of a header and the bytes behind it, whose memory the tensors share.

    Parameters
    ----------
    header : bytes
        Of `HEADER.size` bytes.
    rest : bytes or bytearray
        As many as `length_behind` says.

    Raises
    ------
    FrameError
        If it is no frame.
    """
    length_behind(header, max(len(rest), 1))
    _, _, kind, count, service, cut, task, length = HEADER.unpack(header)
    if len(rest) != length:
        raise FrameError(f"expected {length} bytes behind the header, got {len(rest)}")
    place, kinds = 0, []
    for _ in range(count):
        kinds.append(_decode_shape(rest, place))
        place += _SHAPE.size + 4 * len(kinds[-1][1])
    tensors = []
    for dtype, shape in kinds:
        elements = int(np.prod(shape, dtype=object)) if shape else 1
        if place + elements * dtype.itemsize > length:
            raise FrameError(f"a tensor of shape {shape} does not fit into {length} bytes")
        try:
            tensors.append(np.frombuffer(rest, dtype, elements, place).reshape(shape))
        except ValueError:  # of an axis of 0 beside giant ones
            raise FrameError(f"no tensor has the shape {shape}") from None
        place += elements * dtype.itemsize
    if place != length:
        raise FrameError(f"expected {place} bytes of tensors, got {length}")
    return Frame(kind, service, cut, task, tuple(tensors))


def _decode_shape(rest: bytes | bytearray, place: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    try:
        number, axes = _SHAPE.unpack_from(rest, place)
        if number >= len(_TYPES) or axes > _MOST_AXES:
            raise FrameError(f"expected a tensor, got type {number} with {axes} axes")
        return np.dtype(_TYPES[number]), struct.unpack_from(f"<{axes}I", rest, place + _SHAPE.size)
    except struct.error:
        raise FrameError("the frame ends within the shapes of its tensors") from None


def length_behind(header: bytes, most: int = MOST_BYTES) -> int:
    """Return the number of bytes behind a header.

    Parameters
    ----------
    header : bytes
        Of `HEADER.size` bytes.
    most : int
        A frame that is longer is refused.

    Raises
    ------
    FrameError
        If it is no header, of another version, or of a frame that is too long.
    """
    mark, version, kind, count, *_, length = HEADER.unpack(header)
    if mark != MARK:
        raise FrameError(f"expected a frame, got {bytes(mark)!r}")
    if version != VERSION or kind not in (HELLO, FEATURES):
        raise FrameError(f"expected version {VERSION} and a known kind, got {version} and {kind}")
    if length > most or count > _MOST_TENSORS:
        raise FrameError(f"expected at most {most} bytes in {_MOST_TENSORS} tensors, got {length} in {count}")
    return int(length)


def read_frame(receive: Callable[[memoryview], int], most: int = MOST_BYTES) -> Frame | None:
    """Read one frame; None where the connection ends before it.

    Parameters
    ----------
    receive : callable
        Writes bytes into a buffer and returns their number, 0 at the end, as `socket.recv_into` does.
    most : int
        As of `length_behind`.

    Raises
    ------
    FrameError
        If what comes is no frame, or ends within one.
    """
    header = _read(receive, HEADER.size, may_end=True)
    if header is None:
        return None
    rest = _read(receive, length_behind(bytes(header), most))
    assert rest is not None
    return decode_frame(bytes(header), rest)


def _read(receive: Callable[[memoryview], int], size: int, may_end: bool = False) -> bytearray | None:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = receive(view[got:])
        if count == 0:
            if may_end and got == 0:
                return None
            raise FrameError(f"the connection ended after {got} of {size} bytes")
        got += count
    return buffer


def payload_bits(tensors: Sequence[Tensor]) -> int:
    """Return the bits of a frame with these `tensors`, header included."""
    shapes = sum(_SHAPE.size + 4 * tensor.ndim for tensor in tensors)
    return 8 * (HEADER.size + shapes + sum(tensor.nbytes for tensor in tensors))
