"""`lyaopt solve-slot`: one slot, or a stream of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError, SolverError
from lyaopt.io.fast_json import use_pydantic
from lyaopt_cli.support.doubts import warn_of
from lyaopt_cli.support.input_files import MAX_LINE_BYTES, input_errors, line_batches, read_whole
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import method_option
from lyaopt_cli.support.output import as_document, json_option

if TYPE_CHECKING:
    from lyaopt.slot.solution import SlotSolution

    _Solver = Callable[[bytes], tuple[SlotSolution, dict[str, Any]]]

# Without built kernels, loading those compiled at run time takes longer than solving a smaller document.
_SMALL_DOCUMENT_BYTES = 2**16
# Ends of the first line of a document that spans several lines
_OPEN_ENDS = (b"{", b"[", b",")
_HINT = " (a stream has one document per line)"


@new_command("solve-slot", "Solve one slot document, or a stream of them")
@click.argument("file", required=False, metavar="FILE|-", type=click.Path(allow_dash=True, readable=False))
@json_option("Print the solution document (default into a file or pipe).")
@click.option("--table", "as_table", is_flag=True, help="Print a table (default on a terminal).")
@click.option("--stream", is_flag=True, help="Read one slot document a line and answer each with one line.")
@method_option
@click.option(
    "--spectrum",
    type=click.Choice(["split", "shared"]),
    help="How devices divide the spectrum (default: as the document says).",
)
@click.option("--check", is_flag=True, help="Add the optimum found by CVXPY, and the difference from it.")
def command(
    file: str | None,
    as_json: bool,
    as_table: bool,
    stream: bool,
    method: str,
    spectrum: str | None,
    check: bool,
) -> int:
    """Solve the slot document in FILE (- or nothing: standard input).

    Prints a table on a terminal, and the solution document into a file or pipe or with --json.
    With --stream, prints one solution document for each line.

    \b
    Examples:
      lyaopt solve-slot examples/slot.json
      lyaopt solve-slot --json - < examples/slot.json
      lyaopt solve-slot --check examples/slot.json
      generate-slots | lyaopt solve-slot --stream > solutions.ndjson

    \b
    Exit status: 0 solved, 1 some documents of a stream failed, 2 bad usage or
    input, 130 interrupted, 141 output closed.
    """
    if file is None and sys.stdin.isatty():
        raise click.UsageError("Missing argument 'FILE|-'.", click.get_current_context())
    if as_table and (as_json or stream):
        raise click.UsageError("--table excludes --json and --stream.", click.get_current_context())
    name = "-" if file is None else file
    options = method, spectrum, check
    if stream:
        return _solve_stream(name, *options)
    return _solve_one(name, as_document(as_json, as_table), *options)


def _solve_one(name: str, as_json: bool, method: str, spectrum: str | None, check: bool) -> int:
    text = read_whole(name)
    if len(text) < _SMALL_DOCUMENT_BYTES:
        _prefer_interpreted_core()
    from lyaopt.io.json_lines import encode
    from lyaopt.slot.plausibility import doubts_of_slot

    with input_errors(name):
        solution, document = _solver(method, spectrum, check)(text)
        encoded = encode(document)
    warn_of(name, doubts_of_slot(solution.problem))
    if as_json:
        sys.stdout.buffer.write(encoded + b"\n")
    else:
        from lyaopt_cli.tables.solution import print_solution

        print_solution(solution, document)
    return int(_failed(document))


def _prefer_interpreted_core() -> None:
    """Interpret kernels that were not built, unless they are loaded already or a core is set."""
    if "lyaopt._kernels.toolchain.core_choice" in sys.modules or "LYAOPT_CORE" in os.environ:
        return
    os.environ["LYAOPT_CORE"] = "aot,python"
    try:
        import lyaopt._kernels.toolchain.core_choice  # noqa: F401
    finally:
        del os.environ["LYAOPT_CORE"]  # other code of this process, and its children, choose their own


def _solve_stream(name: str, method: str, spectrum: str | None, check: bool) -> int:
    use_pydantic()
    answer = _answer_function(_solver(method, spectrum, check))
    together = None
    if method == "exact" and spectrum is None and not check:
        from lyaopt.slot.document_batches import DocumentSolver

        together = DocumentSolver().solve
    some_failed = False
    number = 0
    output = sys.stdout.buffer
    for lines in line_batches(name):
        quick = [None] * len(lines) if together is None else together(lines)
        for line, text in zip(lines, quick, strict=True):
            number += 1
            if text is None:
                if line is not None and line.isspace():
                    continue
                text, failed = answer(line, number)
                some_failed |= failed
            output.write(text + b"\n")
            if together is None:
                output.flush()
        output.flush()
    return int(some_failed)


def _answer_function(solve: _Solver) -> Callable[[bytes | None, int], tuple[bytes, bool]]:
    """Function from a line (None: too long) and its number to the answer, and whether that is a failure."""
    from lyaopt.io.json_lines import encode

    def answer(line: bytes | None, number: int) -> tuple[bytes, bool]:
        try:
            if line is None:
                raise ProblemError("$", f"expected at most {MAX_LINE_BYTES} bytes in a line, got more")
            document = solve(line)[1]
            return encode(document), _failed(document)
        except ProblemError as error:
            hint = _HINT if number == 1 and line and line.rstrip().endswith(_OPEN_ENDS) else ""
            problem = {"status": "error", "line": number, "path": error.path, "error": error.reason + hint}
            return encode(problem), True

    return answer


def _failed(document: dict[str, Any]) -> bool:
    return "error" in document.get("check", ())


def _solver(method: str, spectrum: str | None, check: bool) -> _Solver:
    """Function from the text of a slot document to its solution, as an object and as a document."""
    from lyaopt.slot.documents import parse_slot_document
    from lyaopt.slot.solution_documents import solution_to_dict
    from lyaopt.slot.solve import solve_slot

    compare = _comparison() if check else None

    def solve(text: bytes) -> tuple[SlotSolution, dict[str, Any]]:
        solution = solve_slot(parse_slot_document(text), method, spectrum)
        document = solution_to_dict(solution)
        if compare is not None:
            document["check"] = compare(solution)
        return solution, document

    return solve


def _comparison() -> Callable[[SlotSolution], dict[str, Any]]:
    """Function from a solution to the optimum found by CVXPY, and the difference from it."""
    from lyaopt.slot.solution_documents import objective_to_dict
    from lyaopt.verify.cvxpy_reference import solve_reference

    def compare(solution: SlotSolution) -> dict[str, Any]:
        try:
            reference = solve_reference(solution.problem)
        except SolverError as error:
            return {"solver": error.solver, "error": str(error)}
        optimum = reference.objective.total
        difference = solution.objective.total - optimum
        return {
            "solver": reference.solver,
            "objective": objective_to_dict(reference.objective),
            "relative_difference": difference / abs(optimum) if optimum else difference,
        }

    return compare
