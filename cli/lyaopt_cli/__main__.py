"""Entry point of the `lyaopt` script and of `python -m lyaopt_cli`."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` itself imports for a millisecond

# Until `main` handles interrupts, one ends the process silently: Python would print where it was importing.
if _early := _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import signal
import sys
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command; after an interrupt any error exits with 130, also while modules are imported."""
    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.default_int_handler(number, frame)

    if _early or signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        from lyaopt_cli.main import main as run_command

        run_command()
    except BaseException as error:
        # C code may turn a KeyboardInterrupt into another error: the import of ssl raises TypeError.
        if not (interrupted or isinstance(error, KeyboardInterrupt)):
            raise
        _forget_interrupt()
        sys.exit(_INTERRUPTED)


def _forget_interrupt() -> None:
    """Let `python -m` exit with a status: CPython ends by SIGINT if one left an `exec` of text unfinished."""
    eval("None")


if __name__ == "__main__":
    main()
