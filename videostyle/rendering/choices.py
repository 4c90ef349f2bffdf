"""The values that settings of painting may have.

Nothing of weight is imported, so that the command line, which offers these values, starts at once.
"""

from __future__ import annotations

from typing import Literal, get_args

Shown = Literal["overlay", "mask"]  # regions: over the clip, or white on black
SHOWN: tuple[str, ...] = get_args(Shown)
ENGINES = ("local", "ray")  # processes of this machine, or a Ray cluster
