"""JSON of the standard library and of pydantic_core: the same values, and the same bytes."""

from __future__ import annotations

import json
import math
import random
import struct
import subprocess
import sys

import pydantic_core
import pytest

from lyaopt.io import fast_json

TEXTS = ["", "plain", 'quo"te\\', "\b\f\n\r\t\0\x1f\x7f", "é\u2028\u2029\U0001f600", "</script>"]


def numbers(count: int = 20_000) -> list[float]:
    """Doubles of all magnitudes, many near those at which the notation changes."""
    rng = random.Random(1)
    bits = [struct.unpack("d", rng.randbytes(8))[0] for _ in range(count)]
    near = [rng.choice([1, -1]) * rng.uniform(1, 10) * 10.0 ** rng.randint(-12, 23) for _ in range(count)]
    whole = [float(rng.randint(0, 10 ** rng.randint(1, 18))) for _ in range(count)]
    powers = [10.0**exponent for exponent in range(-30, 30)]
    return [*bits, *near, *whole, *powers, 0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324]


def test_floats_are_written_alike() -> None:
    for value in numbers():
        assert fast_json._format(value).encode() == pydantic_core.to_json(value), value


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_written_alike(text: str) -> None:
    document = {text: [text, 1, True, None, {"empty": [], "none": {}}], "tuple": (1.5,)}
    assert fast_json._format(document).encode() == pydantic_core.to_json(document)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2.5e3, "\\u00e9\\ud83d\\ude00", null]}',
        "[NaN, -Infinity]",
        ' {"a": 1, "a": 2}\n',
        "-0",
    ],
)
def test_values_are_read_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.dumps(pydantic_core.from_json(text))
    monkeypatch.setattr(fast_json, "_by_pydantic", lambda: False)
    assert json.dumps(fast_json.from_json(text)) == expected
    assert json.dumps(fast_json.from_json(text.encode())) == expected


@pytest.mark.parametrize("text", [b"\xff", b"\xef\xbb\xbf[1]", "[1]".encode("utf-16"), b"{", b"[01]"])
def test_what_is_no_json_is_refused(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for by_pydantic in (True, False):
        monkeypatch.setattr(fast_json, "_by_pydantic", lambda answer=by_pydantic: answer)
        with pytest.raises(ValueError):  # noqa: PT011 - each parser has its own words
            fast_json.from_json(text)


COUNT = """
import sys
from lyaopt.io import fast_json
for number in range(fast_json._FEW + 1):
    loaded = "pydantic_core" in sys.modules
    fast_json.from_json("[]")
    assert not loaded, number
assert "pydantic_core" in sys.modules
"""


def test_many_documents_are_read_by_pydantic() -> None:
    subprocess.run([sys.executable, "-c", COUNT], check=True)
