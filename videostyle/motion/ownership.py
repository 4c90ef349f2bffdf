"""Which layer of the canvas places belong to, from frame to frame, and how the share that is seen follows."""

from __future__ import annotations

import numpy as np

from videostyle.frames import Float32Array
from videostyle.motion.flow import sample
from videostyle.motion.layer_motion import SAME
from videostyle.motion.layers import Layers, fringed, most_around
from videostyle.motion.renewal import STRAINED, WORN

TELLING, NOTHING = 0.15, 0.05  # verdict by motion from which on places change layers, and below which it says nothing
REACH = 0.02  # share of the second layer around a vertex that it may take
YIELD = 0.1  # share of a place that goes over to a less worn layer with each frame
EASE = 0.1  # distortion by which another layer must be better
HOME = 50  # frames for which both layers must move alike before the second gives its places back to the first
CRISP = 1.2  # factor by which the border of the layers is sharpened in each frame, because resampling blurs it
QUICK, SLOW = 1 / 3, 1 / 24  # change of the share in a frame: where the layers move apart, and where they move alike


class Ownership:
    """Updates ``owner`` and ``share`` of layers."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._alike = np.zeros(layers.share.shape, np.int16)  # frames that both layers have moved alike

    def update(self, moving: Float32Array, cells: Float32Array, verdict: Float32Array) -> None:
        """After the layers were carried to the next frame.

        Args:
            moving: motions of the layers, ``[2, rows, columns, 2]`` in units.
            cells: positions that the second layer came from, (column, row) ``[rows, columns, 2]`` in cells.
            verdict: of the layers' motions (``motions_of_both``).
        """
        layers = self._layers
        both = sample(np.stack([layers.owner, layers.share], axis=-1), cells[..., 0], cells[..., 1])
        owner = np.clip((both[..., 0] - 0.5) * CRISP + 0.5, 0, 1)
        apart = np.hypot(moving[0, ..., 0] - moving[1, ..., 0], moving[0, ..., 1] - moving[1, ..., 1])
        self._alike = np.where(apart < SAME, self._alike + 1, 0).astype(np.int16)
        layers.owner = np.clip(owner + self._change_of_owner(owner, verdict), 0, 1).astype(np.float32)
        rate = SLOW + (QUICK - SLOW) * np.clip(apart / SAME - 0.25, 0, 1)
        share = both[..., 1]
        layers.share = (share + np.clip(fringed(layers.owner) - share, -rate, rate)).astype(np.float32)

    def _change_of_owner(self, owner: Float32Array, verdict: Float32Array) -> Float32Array:
        """By how much places go over to the second layer (above 0) or to the first (below) in this frame."""
        strains = [most_around(cells) for cells in self._layers.distortions()]
        second = owner > 0.5
        own, other = np.where(second, strains[1], strains[0]), np.where(second, strains[0], strains[1])
        # By motion: to the layer that moves as the place does, if it is not torn there. The second layer takes only
        # what lies beside its own; the first lies ready everywhere.
        near = fringed(fringed(owner)) > REACH
        telling = np.where((verdict < -TELLING) | ((verdict > TELLING) & near), verdict, 0)
        taking = np.where(telling > 0, strains[1], strains[0])
        telling[(taking > WORN) & (taking > own)] = 0
        # By wear: where motion tells nothing, to the less worn one; and home to the first after a while.
        worn = (np.abs(verdict) < NOTHING) & (own > WORN) & (other < own - EASE) & (~second | near)
        home = (self._alike > HOME) & second & (strains[0] < STRAINED)
        return np.where(telling != 0, telling, np.where(worn | home, np.where(second, -YIELD, YIELD), 0))
