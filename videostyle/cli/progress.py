"""Progress bars on stderr."""

from __future__ import annotations

import sys
from typing import Any, ClassVar


class Bars:
    """Progress bars on stderr, one at a time: the bar of a new phase closes the one before it.

    Args:
        quiet: show nothing.
    """

    UNITS: ClassVar = {"plan": "frame", "paint": "frame", "train": "step", "evaluate": "frame"}
    TITLES: ClassVar = {"plan": "planning", "paint": "painting", "train": "training", "evaluate": "comparing"}

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._phase = ""
        self._bar: Any = None

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        """Moves the bar of ``phase`` on by ``done`` towards ``total``, which may change on the way."""
        if self._quiet:
            return
        if phase != self._phase:
            from tqdm import tqdm

            self.close()
            self._phase = phase
            unit = self.UNITS.get(phase, "step")
            self._bar = tqdm(
                total=total, unit=unit, desc=self.TITLES.get(phase, phase), file=sys.stderr, leave=phase != "plan"
            )
        self._bar.total = total
        self._bar.update(done)

    def say(self, text: str) -> None:
        """Prints a line on stderr, above the bar if there is one."""
        if self._quiet:
            return
        if self._bar is None:
            print(text, file=sys.stderr)
        else:
            self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            self._phase = ""
