"""Training log for TensorBoard (extra `tensorboard`)."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from lyaopt.io.extras import needs_extra


class Scalars:
    """Writes the numbers of log lines, over decisions, as event files.

    Parameters
    ----------
    folder : str

    Raises
    ------
    MissingExtraError
        Without TensorBoard (extra `tensorboard`).
    """

    def __init__(self, folder: str) -> None:
        with needs_extra("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter
        self._writer: Any = SummaryWriter(folder)

    def add(self, line: dict[str, Any]) -> None:
        """Write a `line` of the log."""
        for name, value in line.items():
            if name != "decisions":
                self._writer.add_scalar(name, value, line["decisions"])

    def __enter__(self) -> Scalars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
