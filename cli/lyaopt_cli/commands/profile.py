"""`lyaopt profile`: the legal cuts of a network of the user."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import MissingExtraError, ProblemError, ProfileError
from lyaopt_cli.commands.profiles import show_profile, write_figure
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.network_options import input_shape_option, selection_option
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import POSITIVE, plot_option
from lyaopt_cli.support.output import json_option
from lyaopt_cli.support.output_files import write_whole
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.model.profiles import Profile
    from lyaopt.model.profiles.targets import Request


def _input_bits(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, int]:
    pairs = [text.rpartition("=") for text in texts]
    if not all(name and bits.isascii() and bits.isdigit() for name, _, bits in pairs):
        raise click.BadParameter(f"expected a name and bits such as input_ids=15, got {' '.join(texts)!r}")
    return {name: int(bits) for name, _, bits in pairs}


@new_command("profile", "Profile a network: PyTorch, ONNX or TensorFlow Lite")
@click.argument("target", metavar="MODULE:CALLABLE|FILE.pt2|FILE.onnx|FILE.tflite")
@input_shape_option
@click.option("--name", help="Name of the profile; by default that of the class or file.")
@click.option(
    "--bits",
    "bits_per_element",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Bits of one element of a transmitted tensor.",
)
@click.option(
    "--input-bits",
    multiple=True,
    callback=_input_bits,
    metavar="NAME=BITS",
    help="Bits of one element of an input, instead of those of its type or range.",
)
@selection_option
@click.option(
    "--verify", is_flag=True, help="Run head and tail of every cut, and compare with the whole network."
)
@click.option(
    "--measure",
    is_flag=True,
    help="Run head and tail of every cut of a PyTorch or ONNX network here, and time them.",
)
@click.option(
    "--runs", type=click.IntRange(1), default=20, show_default=True, help="Timed runs of each half."
)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of the runtime."
)
@click.option("--cpu-hz", type=POSITIVE, metavar="HZ", help="Frequency here (default: what the system says).")
@click.option(
    "--allow-uncounted", is_flag=True, help="Profile a network some of whose work is not counted: too low."
)
@click.option("-o", "--out", metavar="FILE", help="Write the profile document into FILE.")
@plot_option("bits and MACs by cut")
@json_option("Print the profile document.")
def command(out: str | None, plot: str | None, as_json: bool, **options: Any) -> int:
    """Profile a network: its legal cuts, the MACs before each and the bits across it.

    The network is what MODULE:CALLABLE returns (a PyTorch module, or the module and the tuple of its
    inputs), or a file of torch.export.save, ONNX or TensorFlow Lite. Needs the extra lyaopt[profile].

    \b
    Examples:
      lyaopt profile mynets:build --input-shape 1,3,224,224 --verify -o mynet.json
      lyaopt profile network.onnx --bits 16 --json
      lyaopt profile mynets:build --input-shape 1,3,224,224 --measure -o net.json
      lyaopt profile network.onnx --measure --runs 50 -o network.json
      lyaopt profile hand_landmark_full.tflite --cuts valleys --plot hand.svg

    \b
    Exit status: 0 profiled (and verified), 2 bad usage or input, 130
    interrupted, 141 output closed.
    """
    from lyaopt.model.profiles import format_profile
    from lyaopt.model.profiles.targets import Request
    from lyaopt.model.profiles.timing import Timing

    times = {name: options.pop(name) for name in ("runs", "threads", "cpu_hz")}
    timed = options.pop("measure")
    try:
        with progress_bar("percent", 100 if timed else 0) as show:
            measure = (
                Timing(**times, progress=lambda done, rounds: show(100 * done // rounds)) if timed else None
            )
            profile, notes = _profiled(Request(**options, measure=measure))
        if plot is not None:
            write_figure(profile, plot)
    except (MissingExtraError, ProblemError, ProfileError) as error:
        raise InputError(f"{options['target']}: {' '.join(str(error).split())}") from None
    for note in notes:
        click.echo(f"lyaopt profile: warning: {note}", err=True)
    if out is not None:
        write_whole(Path(out), format_profile(profile).encode())
    show_profile(profile, as_json)
    return 0


def _profiled(request: Request) -> tuple[Profile, list[str]]:
    """The profile, and warnings about it."""
    from lyaopt.model.profiles.graph import ProfileWarning
    from lyaopt.model.profiles.targets import profile_target

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        profile = profile_target(request)
    # Without the warnings of the frameworks.
    notes = {str(warning.message): None for warning in caught if warning.category is ProfileWarning}
    return profile, list(notes)
