"""`lyaopt solve-slot`: one slot, or a stream of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import SolverError
from lyaopt_cli.support.input_files import MAX_LINE_BYTES, InputError, bounded_lines, read_whole, shown_name
from lyaopt_cli.support.options import method_option

if TYPE_CHECKING:
    from lyaopt.slot.solution import SlotSolution

    _Solver = Callable[[bytes], tuple[SlotSolution, dict[str, Any]]]

# Where no kernels were built, loading compiled ones takes longer than solving such a document without them.
_SMALL_DOCUMENT_BYTES = 2**16
# How the first line of a document ends that was written over several lines
_OPEN_ENDS = (b"{", b"[", b",")
_HINT = " (a stream has one whole document a line)"


@click.command("solve-slot")
@click.argument("file", required=False, metavar="FILE|-", type=click.Path(allow_dash=True, readable=False))
@click.option("--json", "as_json", is_flag=True, help="Print the solution document, not a table.")
@click.option("--stream", is_flag=True, help="Read one slot document a line and answer each with one line.")
@method_option
@click.option("--check", is_flag=True, help="Add the optimum found by CVXPY, and the difference from it.")
def command(file: str | None, as_json: bool, stream: bool, method: str, check: bool) -> int:
    """Solve the slot document in FILE (- or nothing: standard input).

    Prints a table on a terminal; with --json, --stream, or into a file or pipe, solution documents.

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
    name = "-" if file is None else file
    return _solve_stream(name, method, check) if stream else _solve_one(name, as_json, method, check)


def _solve_one(name: str, as_json: bool, method: str, check: bool) -> int:
    text = read_whole(name)
    if len(text) < _SMALL_DOCUMENT_BYTES:
        _rather_interpret_than_compile()
    from lyaopt.errors import ProblemError
    from lyaopt.io.json_lines import encode

    try:
        solution, document = _solver(method, check)(text)
        encoded = encode(document)
    except ProblemError as error:
        line = getattr(error, "line", None)
        place = shown_name(name) if line is None else f"{shown_name(name)}:{line}"
        raise InputError(f"{place}: {error}") from None
    if as_json or not sys.stdout.isatty():
        sys.stdout.buffer.write(encoded + b"\n")
    else:
        from lyaopt_cli.tables.solution import print_solution

        print_solution(solution, document)
    return int(_failed(document))


def _rather_interpret_than_compile() -> None:
    """Have kernels that were not built interpreted, unless they are there or their core is given."""
    if "lyaopt._kernels.toolchain.jit" in sys.modules or "LYAOPT_CORE" in os.environ:
        return
    os.environ["LYAOPT_CORE"] = "aot,python"
    try:
        import lyaopt.slot.problem  # noqa: F401
    finally:
        del os.environ["LYAOPT_CORE"]  # a caller in this process and its children may want another


def _solve_stream(name: str, method: str, check: bool) -> int:
    from lyaopt.errors import ProblemError
    from lyaopt.io.json_lines import encode

    solve = _solver(method, check)

    def answer(line: bytes | None, number: int) -> tuple[bytes, bool]:
        """The answer to a line (None: too long), and whether it tells of a failure."""
        try:
            if line is None:
                raise ProblemError("$", f"expected at most {MAX_LINE_BYTES} bytes in a line, got more")
            document = solve(line)[1]
            return encode(document), _failed(document)
        except ProblemError as error:
            hint = _HINT if number == 1 and line and line.rstrip().endswith(_OPEN_ENDS) else ""
            problem = {"status": "error", "line": number, "path": error.path, "error": error.reason + hint}
            return encode(problem), True

    some_failed = False
    output = sys.stdout.buffer
    for number, line in enumerate(bounded_lines(name), start=1):
        if line is not None and line.isspace():
            continue
        text, failed = answer(line, number)
        output.write(text + b"\n")
        output.flush()
        some_failed |= failed
    return int(some_failed)


def _failed(document: dict[str, Any]) -> bool:
    return "error" in document.get("check", ())


def _solver(method: str, check: bool) -> _Solver:
    """From the text of a slot document to its solution, as an object and as a document."""
    from lyaopt.slot.documents import parse_slot_document
    from lyaopt.slot.solution_documents import solution_to_dict
    from lyaopt.slot.solve import solve_slot

    compare = _comparison() if check else None

    def solve(text: bytes) -> tuple[SlotSolution, dict[str, Any]]:
        solution = solve_slot(parse_slot_document(text), method)
        document = solution_to_dict(solution)
        if compare is not None:
            document["check"] = compare(solution)
        return solution, document

    return solve


def _comparison() -> Callable[[SlotSolution], dict[str, Any]]:
    """From a solution to the optimum found by CVXPY, and the difference from it."""
    from lyaopt.errors import MissingExtraError
    from lyaopt.slot.solution_documents import objective_to_dict
    from lyaopt.verify.cvxpy_reference import solve_reference

    def compare(solution: SlotSolution) -> dict[str, Any]:
        try:
            reference = solve_reference(solution.problem)
        except MissingExtraError as error:
            raise InputError(f"lyaopt solve-slot: --check: {error}") from None
        except SolverError as error:
            return {"solver": error.solver, "error": str(error)}
        theirs = reference.objective.total
        difference = solution.objective.total - theirs
        return {
            "solver": reference.solver,
            "objective": objective_to_dict(reference.objective),
            "relative_difference": difference / abs(theirs) if theirs else difference,
        }

    return compare
