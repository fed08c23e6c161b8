"""Calls of the C library's rule by prices through ctypes, with arrays between guard values."""

from __future__ import annotations

import ctypes

import numpy as np

from tests.support.capi import CANARY, System, pointer

(BAD_TABLE, BAD_HOLDING_COST, BAD_ROW, BAD_PRICE, BAD_CHANNEL, BAD_CUT) = range(6, 12)
BAD_BACKLOG, BAD_WAITING, BAD_HEAD_LEFT = range(12, 15)
PARTS = 14
integers = ctypes.POINTER(ctypes.c_int64)


class Prices(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_int64) for name in ("devices", "services", "states")],
        ("system", System),
        ("part", pointer * PARTS),
    ]


class Waiting(ctypes.Structure):
    _fields_ = [("backlog", pointer), ("head_left", pointer), ("waiting", integers), ("channel", integers)]


def to_pointer(array, kind=pointer):
    return array.ctypes.data_as(kind)


class PriceCall:
    """A table and one state; arrays are laid out as C has them."""

    def __init__(self, library, table, state=None, layout=None, number=0):
        self.library, self.table = library, np.ascontiguousarray(table, np.float64)
        self.prices, self.size = Prices(), self.table.size
        self.layout, self.number = layout, number
        if state is not None:
            self.fill(state, layout, number)

    def fill(self, state, layout, number):
        """Take one of the states."""
        spread = [layout.spread(part[..., number]) for part in state[:3]]
        self.backlog, waiting, self.head_left = map(np.ascontiguousarray, spread)
        self.waiting = waiting.astype(np.int64)
        self.channel = np.ascontiguousarray(state.channel[:, number], np.int64)
        items = layout.rows * layout.devices
        self.weights = np.full(3 * items + 2, CANARY)
        self.cuts, self.room = np.full(items + 2, -7), np.full(3 * items + 2, CANARY)
        self.room_size = 3 * items
        self.channel_given = True

    def read(self) -> int:
        call = self.library.lyaopt_read_prices
        return int(call(to_pointer(self.table), ctypes.c_size_t(self.size), ctypes.byref(self.prices)))

    @property
    def _waiting(self):
        channel = to_pointer(self.channel, integers) if self.channel_given else None
        amounts = map(to_pointer, (self.backlog, self.head_left))
        return ctypes.byref(Waiting(*amounts, to_pointer(self.waiting, integers), channel))

    def weigh(self) -> int:
        call = self.library.lyaopt_price_weights
        return int(call(ctypes.byref(self.prices), self._waiting, to_pointer(self.weights[1:])))

    def choose(self) -> int:
        cuts, room = to_pointer(self.cuts[1:], integers), to_pointer(self.room[1:])
        size = ctypes.c_size_t(self.room_size)
        call = self.library.lyaopt_price_cuts
        return int(call(ctypes.byref(self.prices), self._waiting, cuts, room, size))

    def check_guards(self) -> None:
        for array, guard in ((self.weights, CANARY), (self.cuts, -7), (self.room, CANARY)):
            assert array[0] == array[-1] == guard

    def check_nothing_written(self) -> None:
        for array, guard in ((self.weights, CANARY), (self.cuts, -7), (self.room, CANARY)):
            assert (array == guard).all()

    @property
    def found_weights(self):
        """(3, S)"""
        shape = (3, self.layout.rows, self.layout.devices)
        return self.layout.by_service(self.weights[1:-1].reshape(shape)[None])[..., 0]

    @property
    def found_cuts(self):
        """(S,)"""
        shape = (self.layout.rows, self.layout.devices)
        return self.layout.by_service(self.cuts[1:-1].reshape(shape)[None])[..., 0]
