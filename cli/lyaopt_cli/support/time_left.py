"""Column of a progress bar with the estimated time left."""

from __future__ import annotations

from datetime import timedelta

from rich.progress import ProgressColumn, Task
from rich.text import Text


class TimeLeft(ProgressColumn):
    """Time left at the mean pace since the start: single steps may take minutes."""

    def render(self, task: Task) -> Text:
        """As in ``0:12:30 left``."""
        if not task.completed or task.total is None or task.elapsed is None:
            return Text("-:--:-- left", style="progress.remaining")
        left = task.elapsed * (task.total - task.completed) / task.completed
        return Text(f"{timedelta(seconds=round(left))} left", style="progress.remaining")
