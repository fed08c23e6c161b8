"""Philox and the uniforms made of its words."""

import math

import numpy as np
import pytest

from lyaopt._kernels.rng.philox import philox, uniform
from lyaopt._kernels.rng.uniforms import MAX_SERVICES, MAX_SLOTS, last_word

# counter, key, output: the known answers that Random123 publishes for philox4x32-10
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN)
def test_known_answers(counter, key, output):
    low, high = words(key)
    found = philox(*map(np.uint64, words(counter)), np.uint64(low | high << 32))
    assert [int(word) & 0xFFFFFFFF for word in found] == words(output)


@pytest.mark.parametrize(("word", "bits"), [(0, 0), (0xFFFFFFFF, 2**52 - 1)])
def test_the_ends_of_the_uniforms_are_symmetric_and_exact(word, bits):
    u = uniform(np.uint64(word), np.uint64(word))
    assert u == (bits + 0.5) / 2**52
    assert 0.0 < u < 1.0
    assert -math.log(u) > 0.0


def test_uniforms_use_the_leading_bits_of_both_words():
    for bit in range(12, 64):
        value = 1 << bit
        u = uniform(np.uint64(value & 0xFFFFFFFF), np.uint64(value >> 32))
        assert u == (2 ** (bit - 12) + 0.5) / 2**52


def test_keys_do_not_share_a_counter():
    parts = [
        (index, service, stream)
        for index in (0, 1 << 32, 255 << 32, MAX_SLOTS - 1)
        for service in (0, 1, MAX_SERVICES - 1)
        for stream in (0, 1, 255)
    ]
    keys = {
        (index & 0xFFFFFFFF, int(last_word(np.uint64(index), service, np.uint64(stream))))
        for index, service, stream in parts
    }
    assert len(keys) == len(parts)
    assert max(word for _, word in keys) < 2**32
