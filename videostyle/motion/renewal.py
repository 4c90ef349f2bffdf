"""Gives distorted places of the canvas to the layer that lies there undistorted.

There are two ways. A thing that begins to move otherwise than its surroundings goes to the other layer with its canvas
coordinates: that is invisible, and from then on both move without distortion. Where that is impossible, the other layer
is laid out anew, at another place of the canvas, and the share goes over to it gradually (*source:* advected textures,
Neyret 2003).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import Float32Array
from videostyle.motion.layer_motion import spread
from videostyle.motion.layers import Layers, Mask, dilated, fringed, most_around, numbered, regions, whole
from videostyle.motion.mesh import Complex, distortion, jacobians, middle

STRAINED = 0.2  # distortion at which a moving thing goes to the other layer (1.5 times in one direction)
AHEAD = 2.0  # frames; strain that motion will bring in them is counted before it comes
WORN = 0.3  # distortion at which a place is laid out anew (1.9 times)
TEARING = 0.006  # strain in a frame at the border of a thing that moves on its own
APART = 0.3  # units in a frame that a thing must move against the camera
PURE = 0.02  # share of the other layer, up to which a place is one layer's alone
MARGIN = 3  # vertices around a region in which the other layer must be free
SMALLEST = 6  # vertices that are laid out anew


class Renewal:
    """Looks for strained places of layers and hands them over.

    Args:
        layers: changed in place.
        here: positions of the vertices, ``[rows, columns, 2]`` in units.
        pitch: distance of columns and of rows in units.
    """

    def __init__(self, layers: Layers, here: Float32Array, pitch: tuple[float, float]) -> None:
        self._layers, self._here, self._pitch = layers, here, pitch
        self._count = 0  # how often something was laid out anew

    def __call__(self, moving: Float32Array, of_camera: Float32Array) -> None:
        """After the layers were carried to the next frame.

        Args:
            moving: motions of both layers, ``[2, rows, columns, 2]`` in units.
            of_camera: motion of the camera, ``[rows, columns, 2]``.
        """
        layers = self._layers
        cells = layers.distortions()
        strain = layers.of_own(cells)
        first, second = distortion(self._here + moving, self._pitch)
        own = layers.second()
        coming = np.maximum(first * whole(~own), second * whole(own))
        pure = (layers.share < PURE) | (layers.share > 1 - PURE)
        strained = (strain + AHEAD * most_around(coming) > STRAINED) & pure
        if strained.any():
            self._hand_over(strained, moving, of_camera, coming)
            self._renew((strain > WORN) & pure, strain)
        if not layers.single():
            for layer in (0, 1):
                self._mend(layer, cells[layer])

    def _hand_over(self, strained: Mask, moving: Float32Array, of_camera: Float32Array, coming: Float32Array) -> None:
        """Gives things that strain a layer to the other one, where that is free or moves as they do."""
        layers = self._layers
        second, near = layers.second(), dilated(strained, 2)
        scene = np.where(second[..., None], moving[1], moving[0])
        speed = _length(scene - of_camera)
        jump = _nearly_largest(speed[near])
        if jump < APART:
            return
        for layer, own in enumerate((~second, second)):
            other, things = 1 - layer, (speed > jump / 2) & own
            numbers, met = numbered(things, near)
            for number in met[torn_off(numbers, coming)[met]] if met.size else ():
                thing = numbers == number
                wide = dilated(thing, MARGIN)
                if layers.used(other)[wide].any():
                    away = _length(scene - moving[other])
                    layers.owner[thing & (away < jump / 4)] = other
                else:
                    self._prepare(other, wide, layers.places[layer])
                    layers.owner[thing] = other
                    layers.share[wide] = fringed(layers.owner)[wide]

    def _renew(self, worn: Mask, strain: Float32Array) -> None:
        """Lays the other layer out anew where one is worn and the other free."""
        if not worn.any():
            return
        layers, worn = self._layers, worn | dilated(worn, 1) & (strain > STRAINED)
        second = layers.second()
        for layer, own in enumerate((~second, second)):
            free = ~dilated(layers.used(1 - layer), 2 * MARGIN)
            for region in regions(worn & own & free):
                if region.sum() < SMALLEST:
                    continue
                at = np.unravel_index(np.argmax(region), region.shape)
                a, _ = jacobians(layers.places[layer], layers.pitch)
                flat = self._flat(a[_touching(region)])
                self._count += 1
                # Multiples of a plane's golden ratio: far from each other, and the same in every run.
                offset = 3 + 8 * ((self._count * np.array([0.7548776662, 0.5698402910])) % 1)
                fresh = (flat - flat[at] + layers.places[layer][at] + offset).astype(np.float32)
                self._prepare(1 - layer, dilated(region, MARGIN - 1), fresh)
                layers.owner[region] = 1 - layer

    def _prepare(self, layer: int, where: Mask, places: Float32Array) -> None:
        """Lays a layer that is free there; everywhere if it is nowhere in use."""
        if self._layers.single():
            self._layers.places[layer] = places
        else:
            self._layers.places[layer][where] = places[where]

    def _mend(self, layer: int, cells: Float32Array) -> None:
        """Smooths what is distorted of a layer where it is hidden, so that it comes into view as it should.

        There it goes on as the similarity that fits the layer at large, and what it differs from that by where it
        is in order.
        """
        distorted = cells > WORN
        if not distorted.any():
            return
        layers = self._layers
        torn = (most_around(cells) > WORN) & ~dilated(layers.used(layer), 1)
        if not torn.any() or torn.all() or distorted.all():
            return
        places = layers.places[layer]
        a, _ = jacobians(places, layers.pitch)
        flat = self._flat(a[~distorted])
        beside = places - flat
        places[torn] = (flat + spread(beside, (~torn).astype(np.float32), beside[~torn].mean(axis=0)))[torn]

    def _flat(self, similarities: Complex) -> Float32Array:
        """Canvas coordinates ``[rows, columns, 2]`` by the median of complex similarities."""
        a = complex(middle(similarities.real), middle(similarities.imag))
        unit = self._layers.pitch[0] / self._pitch[0]
        z = (self._here[..., 0] + 1j * self._here[..., 1]) * (a * unit)
        return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


def _nearly_largest(values: Float32Array) -> float:
    """The value that nine in ten of ``values`` are below."""
    place = int(0.9 * (values.size - 1) + 0.5)
    return float(np.partition(values, place)[place])


def torn_off(numbers: NDArray[np.int32], coming: Float32Array) -> Mask:
    """For each thing, whether strain comes to its border rather than to all of it.

    Args:
        numbers: of the things that vertices belong to, ``[rows, columns]``, 1 or more; 0 for none.
        coming: strain of the cells, ``[rows - 1, columns - 1]``.

    Returns:
        ``[things + 1]``, by number; what it says of 0 means nothing.
    """
    count = int(numbers.max()) + 1
    strain = coming.ravel()
    corners = [c.ravel() for c in (numbers[1:, 1:], numbers[1:, :-1], numbers[:-1, 1:], numbers[:-1, :-1])]
    cells, total = np.zeros(count), np.zeros(count)  # that touch a thing: how many, and their strain
    for place, corner in enumerate(corners):
        new = np.ones(corner.shape, bool)
        for other in corners[:place]:
            new &= other != corner
        cells += np.bincount(corner, new, count)
        total += np.bincount(corner, strain * new, count)
    first = corners[0]
    whole_cells = (corners[1] == first) & (corners[2] == first) & (corners[3] == first)
    inside, within = np.bincount(first, whole_cells, count), np.bincount(first, strain * whole_cells, count)
    border = (total - within) / np.maximum(cells - inside, 1)
    return (border > TEARING) & ((inside == 0) | (border * inside > 2 * within))


def _touching(region: Mask) -> Mask:
    """Cells with a corner in a region of vertices."""
    return ~whole(~region)


def _length(vectors: Float32Array) -> Float32Array:
    return np.hypot(vectors[..., 0], vectors[..., 1])
