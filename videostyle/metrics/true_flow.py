"""Known optical flow, and where it may be used to measure flicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.motion.flow import Float, inside


@dataclass(frozen=True)
class TrueFlow:
    """Known flow from each frame to the next, and the masks that belong to it.

    Attributes:
        flow: maps t to the flow from frame t to t+1, float32 ``[H, W, 2]``, NaN where unknown; None past the end.
        occluded: maps t to a mask, bool ``[H, W]``; None = unknown.
    """

    flow: Callable[[int], Float | None]
    occluded: Callable[[int], Any] = field(default=lambda number: None)

    def pair(self, number: int) -> tuple[Float, Float] | None:
        """Flow without NaN, and mask ``[H, W, 1]``, from frame ``number`` to the next."""
        flow = self.flow(number)
        if flow is None:
            return None
        known = np.isfinite(flow).all(axis=2)
        flow = np.nan_to_num(flow)
        mask = known & inside(flow)
        occluded = self.occluded(number)
        if occluded is not None:
            if occluded.shape != mask.shape:
                h, w = occluded.shape[:2]
                raise InputError(
                    f"the occlusions of frame {number} are {w}x{h}",
                    f"the flow is {mask.shape[1]}x{mask.shape[0]}",
                    hint="give pictures of the size of the flow",
                )
            mask &= ~occluded
        return flow, mask.astype(np.float32)[..., None]
