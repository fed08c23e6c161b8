"""`lyaopt cut`: head and tail of a network as files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import MissingExtraError, ProblemError, ProfileError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.network_options import input_shape_option, selection_option
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_folder, write_whole

if TYPE_CHECKING:
    from lyaopt.model.cutting import Agreement, Halves, TorchHalves

_CANNOT_HOLD = 1


@new_command("cut", "Cut a network into head and tail: PyTorch or ONNX")
@click.argument("model", metavar="MODULE:CALLABLE|FILE.pt2|FILE.onnx")
@click.option(
    "--at",
    required=True,
    metavar="CUT",
    help="Number of a cut, or the operation after which it is, as lyaopt profile lists them.",
)
@input_shape_option
@selection_option
@click.option(
    "--bits",
    type=click.IntRange(1, 32),
    default=8,
    show_default=True,
    help="Bits of an element of the features that cross, whose error is measured.",
)
@click.option("--no-check", is_flag=True, help="Do not run the halves and compare them with the whole.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the random input.")
@click.option("--out", required=True, metavar="DIR", help="Folder for head and tail (.pt2 or .onnx).")
@json_option("Print JSON.")
def command(
    model: str, at: str, bits: int, no_check: bool, seed: int, out: str, as_json: bool, **options: Any
) -> int:
    """Write the head and the tail of a network, cut at CUT, into DIR as networks of their own.

    The network is what MODULE:CALLABLE returns (a PyTorch module, or the module
    and the tuple of its inputs), a file of torch.export.save or an ONNX file;
    the halves are files of its kind. The tail reads the tensors that cross the
    cut, by the names that the head gives them. Both are run on random input and
    compared with the whole network (ONNX: with ONNX Runtime where it is
    installed), also with features of --bits.

    \b
    Examples:
      lyaopt cut network.onnx --at 5 --out halves
      lyaopt cut network.onnx --at conv3 --input-shape 1,3,224,224 --out halves
      lyaopt cut mynets:build --at 2 --out halves
      lyaopt cut network.pt2 --at features.3 --out halves

    \b
    Exit status: 0 done, 1 head then tail differ from the whole network (the
    files are written), 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    folder = Path(out)
    check_folder(folder)
    try:
        halves, agreement = _cut(model, at, bits, None if no_check else seed, options)
        files = halves.files()
    except (MissingExtraError, ProblemError, ProfileError) as error:
        raise InputError(f"{model}: {' '.join(str(error).split())}") from None
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_whole(folder / name, content)
    paths = [folder / name for name in files]

    def print_text() -> None:
        from lyaopt_cli.tables.cutting import print_halves

        print_halves(halves, agreement, paths)

    def documents() -> list[dict[str, Any]]:
        from lyaopt_cli.tables.cutting import halves_document

        return [halves_document(halves, agreement, paths)]

    print_output(as_json, documents, print_text)
    return 0 if agreement is None or agreement.holds else _CANNOT_HOLD


def _cut(
    model: str, at: str, bits: int, seed: int | None, options: dict[str, Any]
) -> tuple[Halves | TorchHalves, Agreement | None]:
    """The halves, and how far they are from the whole unless there is no seed."""
    place: int | str = int(at) if at.isascii() and at.isdigit() else at
    kept: dict[str, Any] = {"selection": options["selection"], "bits_per_element": bits}
    is_file = ":" not in model or Path(model).suffix in (".onnx", ".pt2")
    if is_file and not Path(model).is_file():
        raise ProfileError("no such file")
    if is_file and Path(model).suffix not in (".onnx", ".pt2"):
        raise ProfileError("expected MODULE:CALLABLE, or a file that ends in .pt2 or .onnx")
    if Path(model).suffix == ".onnx":
        from lyaopt.model.cutting import check_halves, cut_onnx

        halves = cut_onnx(model, place, input_shape=options["input_shapes"] or None, **kept)
        return halves, None if seed is None else check_halves(halves, bits=bits, seed=seed)
    from lyaopt.model.cutting import check_torch_halves, cut_torch
    from lyaopt.model.profiles.targets import load_network

    module, inputs, keywords = load_network(model, options["input_shapes"])
    found = cut_torch(module, place, inputs, example_kwargs=keywords, **kept)
    return found, None if seed is None else check_torch_halves(found, bits=bits, seed=seed)
