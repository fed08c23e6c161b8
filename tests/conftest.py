"""Fixtures of all tests.

Property tests try the same examples every time; HYPOTHESIS_PROFILE=search looks for new ones.
"""

from __future__ import annotations

import json
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.slot_text import EXAMPLE

# No deadline: the first call compiles or loads a kernel.
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile(
    "search", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Handle SIGINT in tests: a process in the background of a script ignores it, and so do its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def slot_file(tmp_path):
    """The example as a file."""
    path = tmp_path / "slot.json"
    path.write_text(json.dumps(EXAMPLE))
    return path
