"""Section of a report on settings: how to reproduce its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lyaopt.experiments import html
from lyaopt.experiments.paper_figures import title_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES, number


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
    versions = ", ".join(f"{name} {version}" for name, version in experiment["versions"].items())
    commit = experiment["commit"] or "unknown"
    content = [
        '<h2 id="settings">Settings and command</h2>',
        f"<pre>{html.text(experiment['command'])}</pre>",
        f"<p>Versions: {html.text(versions)}. Commit: <code>{html.text(commit)}</code>. "
        f"Configuration: <code>{html.text(experiment['configuration'])}</code>.</p>",
    ]
    for results in sweeps:
        heading = html.text(title_of(results.figure, results.name))
        content.append(f"<h3>{heading}</h3>{_measuring(results.definition)}{_learners(results.definition)}")
        content.append(_spent(results))
    return "".join(content)


def _measuring(definition: Mapping[str, Any]) -> str:
    listed = {name: ", ".join(map(number, values)) for name, values in definition["vary"].items()}
    varied = "".join(f"; {name} = {values}" for name, values in listed.items())
    measuring = definition["evaluation"]
    seeds = f"training seeds 1 to {definition['training_seeds']}"
    trained = seeds if definition["learners"] else "no training"
    return (
        f"<p>Scenario {html.text(definition['scenario'])}{html.text(varied)}. "
        f"{measuring['replications']} replications of {measuring['slots']} slots after "
        f"{measuring['warmup']} slots of warm-up, seed {measuring['seed']}, for all policies; {trained}; "
        f"search seed {measuring['search_seed']}.</p>"
    )


def _learners(definition: Mapping[str, Any]) -> str:
    rows = [
        (
            NAMES.get(name, name),
            learner["algorithm"],
            learner["preset"] or "",
            _ranges(learner),
            f"{learner['decisions']:,}",
        )
        for name, learner in definition["learners"].items()
    ]
    head = ("learner", "algorithm", "preset", "trained over", "decisions")
    return html.table(head, rows, words=4) if rows else ""


def _ranges(learner: Mapping[str, Any]) -> str:
    ranges = [f"{name} {number(low)} to {number(high)}" for name, (low, high) in learner["ranges"].items()]
    return ", ".join(ranges + [f"{name} = {number(value)}" for name, value in learner["at"].items()])


def _spent(results: Results) -> str:
    spent = {name: slots for name, slots in results.slots.items() if not results.is_bound(name) and slots}
    rows = [(NAMES.get(name, name), f"{slots / 1e6:.3g}") for name, slots in spent.items()]
    return html.table(("policy", "slots of search and training, M"), rows, words=1) if rows else ""
