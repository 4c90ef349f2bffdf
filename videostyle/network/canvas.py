"""The canvas: noise that moves with the scene, the second input of the style network.

Where a scene is even (sky, wall, water) the picture has no structure that strokes could follow. The canvas provides it:
noise of zero mean and unit variance, at a quarter of the picture's resolution, as a function of *scene* coordinates.
Motion estimation carries the coordinates from frame to frame (``motion.canvas_tracker``). They come here as a coarse
mesh for each frame (``frames.CanvasMesh``), so any frame can be painted on its own.

Units: a *cell* is one position at quarter resolution, 4x4 pixels of the painted picture. There are three octaves of two
channels each: *spots*, noise of one wavelength in all directions (6, 12 and 24 cells), and *strokes*, noise smeared
along smooth curves (3.5, 7 and 14 cells across). A small network can hardly make long curved strokes of spots.

**Strokes keep their size on the screen under zoom.** All octaves are read from one tile of noise, each at its own
scale, so any octave can be had. Where the canvas appears enlarged by a factor s, each channel reads the two octaves
whose wavelengths on the screen are nearest to its own, and blends them at constant variance. *Source:* Benard et al.
2009, 2010 (dynamic solid textures; octaves cross-faded under zoom); Neyret 2003 (advected
textures: layers of different age blended).

Pure NumPy; the caller gives the function that samples (``cv2.remap``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Sampler = Callable[[Float, Float, Float], Float]  # (tile, columns, rows) -> values there, bilinear

CELL = 4  # pixels of the painted picture along a cell's side
WAVELENGTHS = (6.0, 12.0, 24.0)  # cells; of the spots of each octave
VARIANTS = 2  # channels of an octave: spots and strokes
STROKE_WIDTH = 3.5  # cells; wavelength across the strokes of the finest octave
STROKE_LENGTH = 16  # cells; how far a stroke reaches to either side, a power of 2
BEND = 1.6  # radians; deviation of the strokes' direction
BENDS = 80.0  # cells; wavelength of the curves that strokes follow
CHANNELS = VARIANTS * len(WAVELENGTHS)
LARGEST_SEED = 2**31 - 1
TILE = 1024  # side of the tile in texels; the tile repeats
TEXELS = 2  # texels for each cell at the finest octave: bilinear sampling keeps 97 % of a wave of 12 texels
BAND = 0.45  # width of the band of frequencies, relative to its centre
OCTAVE_OFFSET = (131.7, 291.3)  # cells, likewise for neighbouring octaves


def band_passed(rng: np.random.Generator, wavelength: float, band: float = BAND) -> Float:
    """Noise ``[TILE, TILE]`` whose waves are about ``wavelength`` texels long, in all directions: it repeats, mean 0.

    Args:
        rng: source of randomness.
        wavelength: texels.
        band: width of the band of frequencies, relative to its centre.
    """
    frequency = np.fft.fftfreq(TILE)
    radius = np.hypot(frequency[:, None], frequency[None, : TILE // 2 + 1]) * wavelength
    ring = np.exp(-(((radius - 1.0) / band) ** 2))
    ring[0, 0] = 0.0
    noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(TILE, TILE))) * ring)
    return np.asarray(noise / noise.std(), np.float32)


def wrapped(picture: Float) -> Float:
    """A tile with its first row and column again at the end, so that bilinear samples may lie between."""
    return np.pad(picture, ((0, 1), (0, 1)) + ((0, 0),) * (picture.ndim - 2), mode="wrap")


def drawn_out(noise: Float, angle: Float, length: int, sample: Sampler) -> Float:
    """Noise smeared along curves into strokes: its mean over ``length`` texels forwards and backwards.

    A curve's points are found by doubling: the way of 2 n steps from a place is that of n steps, then that of n steps
    from there.

    Args:
        noise: ``[TILE, TILE]``.
        angle: of the curves at each place, radians.
        length: texels, a power of 2.
        sample: as in ``octaves``.

    *Source:* Cabral and Leedom 1993 (line integral convolution).
    """
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    forwards = np.stack([np.cos(angle), np.sin(angle)], -1)
    total: Any = 0.0
    for way in (forwards, -forwards):
        mean, covered = np.asarray(noise, np.float32), 1
        while covered < length:
            columns, rows = _within_tile(x + way[..., 0]), _within_tile(y + way[..., 1])
            further = sample(wrapped(mean[..., None]), columns, rows).reshape(mean.shape)
            mean = np.asarray((mean + further) / 2, np.float32)
            way = way + sample(wrapped(way), columns, rows)
            covered *= 2
        total = total + mean
    return np.asarray(total, np.float32)


def tile(seed: int, sample: Sampler) -> Float:
    """Noise ``[TILE + 1, TILE + 1, VARIANTS]``: spots, and strokes along curves. Zero mean, unit variance, it repeats.

    Args:
        seed: another seed gives other noise, and so another painting of the same scene.
        sample: as in ``octaves``.
    """
    with _DRAWING:
        return _tile(seed, sample)


_DRAWING = threading.Lock()  # a thread that needs a tile waits while another one draws it


@lru_cache(maxsize=4)
def _tile(seed: int, sample: Sampler) -> Float:
    rng = np.random.default_rng(seed)
    spots = band_passed(rng, WAVELENGTHS[0] * TEXELS)
    angle = BEND * band_passed(rng, BENDS * TEXELS, 0.6)
    strokes = drawn_out(band_passed(rng, STROKE_WIDTH * TEXELS), angle, STROKE_LENGTH * TEXELS, sample)
    noise = wrapped(np.stack([spots, (strokes - strokes.mean()) / strokes.std()], -1))
    noise.flags.writeable = False
    return noise


def enlargement(places: Float, step: tuple[float, float] = (1.0, 1.0)) -> Float:
    """By which factor the canvas appears enlarged: 2 = its waves are twice as long on the screen.

    Args:
        places: ``[h, w, 2]``, canvas coordinates in cells of a grid of screen positions; h and w at least 2.
        step: cells on the screen between neighbouring columns, and between neighbouring rows, of that grid.

    Returns:
        float32 ``[h, w]``.
    """
    across = np.gradient(places, axis=1) / np.float32(step[0])
    down = np.gradient(places, axis=0) / np.float32(step[1])
    area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    return np.asarray(1.0 / np.sqrt(np.maximum(area, 1e-4)), np.float32)


def octaves(places: Float, scale: Float | np.floating[Any] | float, sample: Sampler, seed: int = 0) -> Float:
    """The noise of one layer of the canvas.

    Args:
        places: float32 ``[h, w, 2]``, canvas coordinates (x, y) in cells.
        scale: float32 ``[h, w]`` from ``enlargement``, smooth; or a number.
        sample: reads a tile bilinearly at (columns, rows) in texels, each float32 ``[h, w]``.
        seed: as in ``tile``.

    Returns:
        float32 ``[h, w, CHANNELS]``, octave by octave.
    """
    noise = tile(seed, sample)
    level = np.log2(np.maximum(np.asarray(scale, np.float32), 1e-3))
    if np.abs(level).max() < 1e-3:
        level = np.zeros((), np.float32)
    lowest = np.floor(level)
    blend = (level - lowest) * np.float32(np.pi / 2)
    weights = np.cos(blend), np.sin(blend)
    nearer, farther = (_for_channels(weight, VARIANTS) for weight in weights)
    # Octave k has waves of 6 * 2**k cells on the canvas; k may be negative. Neighbouring channels share octaves, and
    # with each octave the density of texels halves, which is exact.
    density = np.float32(2 * TEXELS) * np.exp2(lowest).astype(np.float32)
    texels: list[Any] = [places[..., axis] * density for axis in (0, 1)]
    found = np.empty((*places.shape[:2], CHANNELS), np.float32)
    before: Float | None = None
    for step in range(-1, len(WAVELENGTHS)):
        if step < 0 and not weights[1].any():
            continue
        k = step - lowest
        columns, rows = (
            _within_tile(at * np.float32(0.5 ** (step + 1)) + k * np.float32(offset * TEXELS))
            for at, offset in zip(texels, OCTAVE_OFFSET, strict=True)
        )
        read = sample(noise, columns, rows)
        if step >= 0:
            channels = nearer * read
            if before is not None:
                channels += farther * before
            _as_pairs(found)[..., step] = _as_pairs(channels)[..., 0]
        if weights[1].any():
            before = read
    return found


def _for_channels(values: Any, count: int) -> Any:
    """Values ``[h, w]`` for each of ``count`` channels ``[h, w, count]``, in memory: NumPy is slow with views of that.

    A number stays one.
    """
    return np.repeat(values[..., None], count, axis=-1) if np.ndim(values) else values


def _as_pairs(channels: Float) -> Any:
    """The same memory, two channels as one value of 64 bits: copied several times faster than pairs of 32."""
    return channels.view(np.float64)


def _within_tile(texels: Float) -> Float:
    """The places in the tile that repeat at ``texels``: the remainder, several times faster than ``%``."""
    return np.asarray(texels - np.float32(TILE) * np.floor(texels / np.float32(TILE)), np.float32)


def blended(first: Float, second: Float, share: Float, apart: Float | None = None) -> Float:
    """Blends two layers of the canvas at constant variance.

    Args:
        first: ``[h, w, CHANNELS]``.
        second: of the same shape.
        share: ``[h, w]``, 0..1, weight of the second layer.
        apart: ``[h, w]``, cells of the screen between the positions that the layers read; None where they are
            uncorrelated. Near positions read alike noise, which adds up; it is scaled down for it.
    """
    angle = share * np.float32(np.pi / 2)
    mixed = _for_channels(np.cos(angle), CHANNELS) * first
    mixed += _for_channels(np.sin(angle), CHANNELS) * second
    if apart is not None:
        # Of noise of one wavelength the correlation is a Bessel function; this Gaussian follows it to its first zero.
        both, path = np.sin(2 * angle), np.float32(np.pi) * apart
        loud = [np.sqrt(1 + both * np.exp(-((path / np.float32(wave)) ** 2))) for wave in WAVELENGTHS]
        mixed /= np.repeat(np.stack(loud, -1), VARIANTS, axis=-1)
    return np.asarray(mixed, np.float32)
