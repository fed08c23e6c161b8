"""Section of a report on settings: how to reproduce its numbers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lyaopt.experiments import html
from lyaopt.experiments.definition_text import definition_text
from lyaopt.experiments.horizontal import is_number, label_of
from lyaopt.experiments.paper_figures import title_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES, number
from lyaopt.experiments.traced import trace_words
from lyaopt.model.scenarios import list_scenarios

_OURS = ("lyaopt", "python", "core")
"""Versions that are not those of packages to install."""


def settings(experiment: Mapping[str, Any], sweeps: Sequence[Results]) -> str:
    """Format the settings of an experiment and the command that repeats it.

    Parameters
    ----------
    experiment : mapping
        Document of its folder.
    sweeps : sequence of Results
        Results of the experiment.

    Returns
    -------
    str
        HTML.
    """
    files = {name: text for sweep in experiment["sweeps"] for name, text in sweep.get("files", {}).items()}
    content = ['<h2 id="settings">How to run it again</h2>', *_commands(experiment, sweeps, files)]
    content += [
        html.details(f"{name}, as it was read", f"<pre>{html.text(files[name])}</pre>") for name in files
    ]
    for results in sweeps:
        heading = html.text(title_of(results.figure, results.name))
        content.append(f"<h3>{heading}</h3>{_measuring(results.definition)}{_learners(results.definition)}")
        if results.trace is not None:
            content.append(f"<p>{html.text(trace_words(results.trace))}</p>")
        content.append(_spent(results))
        text = definition_text(results.definition)
        content.append(html.details("Its definition, for lyaopt sweep", f"<pre>{html.text(text)}</pre>"))
    return "".join(content)


def _commands(
    experiment: Mapping[str, Any], sweeps: Sequence[Results], kept: Mapping[str, str]
) -> Iterator[str]:
    versions = {name: str(version) for name, version in experiment["versions"].items()}
    commit, command = str(experiment["commit"] or "unknown"), str(experiment["command"])
    pins = [f"{name}=={version.split('+')[0]}" for name, version in versions.items() if name not in _OURS]
    lines = [
        f"git checkout {commit.rstrip('+')}  # in a clone of lyaopt",
        f"python -m pip install {shlex.join(['.[plot,train]', *pins])}",
        command,
        f"lyaopt report {shlex.quote(_folder(command))}",
    ]
    yield f"<pre>{html.text(chr(10).join(lines))}</pre>"
    changed = ", with changes that were not committed" if commit.endswith("+") else ""
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    scenarios = sorted({str(results.definition["scenario"]) for results in sweeps} - set(list_scenarios()))
    missing = [name for name in scenarios if name not in kept]
    files = f" The scenario is a file, needed as well: {', '.join(missing)}." if missing else ""
    files += " Files that it reads are below, as they were read: save them under these names." if kept else ""
    yield (
        f"<p>Run with {html.text(listed)}. Commit: <code>{html.text(commit)}</code>{changed}. Configuration: "
        f"<code>{html.text(experiment['configuration'])}</code>. If the command names a file of a sweep, its "
        f"definition is below.{html.text(files)}</p>"
    )


def _folder(command: str) -> str:
    """The folder that a command writes into."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    named = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "--out"]
    named += [word.removeprefix("--out=") for word in words if word.startswith("--out=")]
    return named[-1] if named else "DIR"


def _measuring(definition: Mapping[str, Any]) -> str:
    measuring = {name: html.text(value) for name, value in definition["evaluation"].items()}
    varied = "".join(f"; {_listed(name, values)}" for name, values in definition["vary"].items())
    seeds = f"training seeds 1 to {html.text(definition['training_seeds'])}"
    trained = seeds if definition["learners"] else "no training"
    return (
        f"<p>Scenario {html.text(definition['scenario'])}{html.text(varied)}. "
        f"{measuring['replications']} replications of {measuring['slots']} slots after "
        f"{measuring['warmup']} slots of warm-up, seed {measuring['seed']}, for all policies; {trained}; "
        f"search seed {measuring['search_seed']}.</p>"
    )


def _listed(name: str, values: Sequence[Any]) -> str:
    """A setting and its values, such as ``edge_capacity_hz = 0.3, 1, 3 GHz``."""
    if not all(is_number(value) for value in values):
        return f"{name} = {', '.join(map(number, values))}"
    label, unit = label_of(name, max((abs(value) for value in values), default=0.0))
    shown = ", ".join(number(float(value) / unit) for value in values)
    return f"{name} = {shown} {label.rpartition(', ')[2] if ', ' in label else ''}".rstrip()


def _learners(definition: Mapping[str, Any]) -> str:
    rows = [
        (
            NAMES.get(name, name),
            learner["algorithm"],
            learner["preset"] or "",
            _ranges(learner),
            _count(learner["decisions"]),
        )
        for name, learner in definition["learners"].items()
    ]
    head = ("learner", "algorithm", "preset", "trained over", "decisions")
    return html.table(head, rows, words=4) if rows else ""


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _ranges(learner: Mapping[str, Any]) -> str:
    ranges = [f"{name} {number(low)} to {number(high)}" for name, (low, high) in learner["ranges"].items()]
    return ", ".join(ranges + [f"{name} = {number(value)}" for name, value in learner["at"].items()])


def _spent(results: Results) -> str:
    spent = {name: slots for name, slots in results.slots.items() if not results.is_bound(name) and slots}
    rows = [(NAMES.get(name, name), f"{slots / 1e6:.3g}") for name, slots in spent.items()]
    return html.table(("policy", "slots of search and training, M"), rows, words=1) if rows else ""
