"""A progress bar in a terminal, silence in a log."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Counts towards ``total``; draws only where standard error is a terminal."""

    def __init__(self, total: int, unit: str) -> None:
        scaled = unit == "bytes"  # 12.3M, not 12,345,678
        self._bar = tqdm(total=total, unit=f" {unit}", unit_scale=scaled, disable=not sys.stderr.isatty(), leave=False)
        self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def advance(self, steps: int, note: str = "") -> None:
        self._done += steps
        self._bar.update(steps)
        self._bar.set_postfix_str(note)

    def skip_to_multiple(self, size: int) -> None:
        """Count what early stopping left out, up to the next multiple of ``size``."""
        self.advance(-self._done % size)
