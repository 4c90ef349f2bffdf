"""Compares a picture with a painting: large strokes, fine strokes, texture, emptiness and colour.

Picture and painting are scaled to a short side of ``SIDE`` pixels. Five figures compare them (``PaintJudge``):

``deep``, ``fine``
    ``mean over layers of |G - G_s|^2 / |G_s|^2``, G the Gram matrices of the features of a loss network: its deep
    layers see large strokes, its style layers fine ones. 0 = the painting's own, 1 = as far as a black picture.
``texture``
    Wasserstein-1 distance between the distributions of local contrast, mean over three bands of sizes, in octaves: 1 =
    contrasts are off by a factor of 2, too even or too busy. Local contrast is log2 of the root mean square of
    lightness in a band (differences of Gaussians: about 1 to 4, 4 to 12 and 12 to 36 pixels) over a block of 48 x 48
    pixels; lightness is CIELAB's L on a scale of 255.
``flat``
    The same difference with its sign, between the quietest third of the picture and that of the painting. Above 0 the
    picture is too even where it is quietest, below 0 too busy.
``colour``
    Sliced Wasserstein-1 distance of RGB values, in levels of 255: the mean over directions in RGB of the distance
    between the distributions along them.

The same five are computed for two regions of the picture: the third of the blocks where the *original* has the least
local contrast ("quiet": sky, wall, water), and the other blocks ("rest"). There texture and flat compare with the
quietest third of the painting and with the rest of it, the other figures with the whole painting; flat is the signed
mean over the whole region.

Distributions are compared by their quantiles, the outermost 2 % of blocks (0.5 % of pixels) left out.

*Source:* Gatys et al. 2016 (Gram matrices); Rabin et al. 2011 (sliced Wasserstein distance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.frames import UInt8Array, to_float
from videostyle.media.opencv import load_cv2
from videostyle.network.loss_network import LossNetwork, features, gram
from videostyle.network.perceptual import PAINTING_SIDE, style_loss
from videostyle.network.sliced import quantiles

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = PAINTING_SIDE  # short side at which pictures are compared, pixels
BLUR = (0.0, 1.5, 5.0, 15.0)  # deviations of the Gaussians whose differences are the bands, pixels
BLOCK = 48  # side of the blocks over which local contrast is taken, pixels
FLOOR = 0.25  # levels of 255 added to a deviation: less than a rounded picture can show
BLOCK_QUANTILES = np.linspace(0.02, 0.98, 49)
LOWEST_THIRD = np.linspace(0.02, 1 / 3, 9)
PIXEL_QUANTILES = np.linspace(0.005, 0.995, 100)
PIXELS = 65_536  # about how many pixels of a picture are sampled for its colours
DIRECTIONS = 64

FIGURES = ("deep", "fine", "texture", "flat", "colour")


def at_side(picture: UInt8Array) -> UInt8Array:
    """A picture uint8 ``[H, W, 3]`` scaled to the short side ``SIDE``; its proportions stay."""
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    factor = SIDE / min(height, width)
    size = (max(SIDE, round(width * factor)), max(SIDE, round(height * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def local_contrast(picture: UInt8Array) -> Float:
    """log2 of the root mean square of lightness in each band and block, ``[bands, rows, columns]``, finest first.

    Blocks that do not fit in at the lower and the right edge are left out.
    """
    cv2 = load_cv2()
    lightness = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    rows, columns = (side // BLOCK for side in lightness.shape)
    blurred = [cv2.GaussianBlur(lightness, (0, 0), sigma) if sigma else lightness for sigma in BLUR]
    bands = []
    for finer, coarser in pairwise(blurred):
        energy = np.square(finer - coarser)[: rows * BLOCK, : columns * BLOCK]
        energy = energy.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
        bands.append(np.log2(np.sqrt(energy) + FLOOR))
    return np.stack(bands).astype(np.float32)


def quietest(contrast: Float) -> Mask:
    """The third of the blocks with the least contrast, averaged over bands: bool ``[rows, columns]``."""
    mean = contrast.mean(axis=0)
    mask = np.zeros(mean.size, bool)
    mask[np.argsort(mean, axis=None, kind="stable")[: max(1, mean.size // 3)]] = True
    return mask.reshape(mean.shape)


def directions() -> Float:
    """Directions in RGB, evenly spread over half a sphere (opposite ones are equivalent): ``[3, DIRECTIONS]``."""
    height = (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
    angle = np.pi * (1 + np.sqrt(5)) * np.arange(DIRECTIONS)  # a golden spiral
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height]).astype(np.float32)


def palette(pixels: NDArray[Any]) -> Float:
    """Quantiles of RGB pixels ``[count, 3]`` along each direction, levels of 255: ``[quantiles, directions]``."""
    step = max(1, len(pixels) // PIXELS)
    return quantiles(pixels[::step].astype(np.float32) @ directions(), PIXEL_QUANTILES)


def _quantiles(blocks: Float, quantiles: NDArray[np.float64] = BLOCK_QUANTILES) -> NDArray[np.float64]:
    """Quantiles over the blocks ``[bands, count]`` of each band: ``[quantiles, bands]``."""
    return np.quantile(blocks, quantiles, axis=1)


@dataclass(frozen=True)
class PaintJudge:
    """Compares pictures with a painting, or with several pictures in a style.

    Attributes:
        net: the loss network whose style layers are compared.
        deep: the loss network whose deep layers are compared; usually ``net``.
        grams: Gram matrices ``[1, C, C]`` of the painting for each style and deep layer.
        contrasts: local contrast ``[bands, blocks]`` of all its blocks ("whole"), its quietest third ("quiet") and the
            others ("rest").
        colours: its ``palette``.
    """

    net: LossNetwork
    deep: LossNetwork
    grams: dict[str, Any] = field(repr=False)
    contrasts: dict[str, Float] = field(repr=False)
    colours: Float = field(repr=False)

    @classmethod
    def of(cls, net: LossNetwork, paintings: Sequence[UInt8Array], deep: LossNetwork | None = None) -> PaintJudge:
        """For one painting uint8 ``[H, W, 3]`` RGB, or the mean of several pictures."""
        deep = deep or net
        grams: dict[str, Any] = {}
        contrasts: dict[str, list[Float]] = {"whole": [], "quiet": [], "rest": []}
        pixels = []
        for painting in map(at_side, paintings):
            for layer, value in _features(net, deep, painting).items():
                owner = net if layer in net.style_layers else deep
                grams[layer] = grams.get(layer, 0.0) + gram(owner, layer, value) / float(len(paintings))
            contrast = local_contrast(painting)
            quiet = quietest(contrast)
            for region, mask in (("whole", quiet | ~quiet), ("quiet", quiet), ("rest", ~quiet)):
                contrasts[region].append(contrast[:, mask])
            pixels.append(painting.reshape(-1, 3))
        joined = {region: np.concatenate(values, axis=1) for region, values in contrasts.items()}
        return cls(net, deep, grams, joined, palette(np.concatenate(pixels)))

    def figures(self, painted: UInt8Array, original: UInt8Array | None = None) -> dict[str, float]:
        """The figures of one picture, and of its two regions if the original is given.

        Args:
            painted: uint8 ``[H, W, 3]`` RGB.
            original: the same picture unpainted, of the same shape.

        Returns:
            ``FIGURES``, and each with "_quiet" and "_rest" appended; without "deep" where the network has no deep
            layers.
        """
        picture = at_side(painted)
        found, contrast = _features(self.net, self.deep, picture), local_contrast(picture)
        values = self._region(picture, found, contrast, None, "whole")
        if original is not None:
            quiet = quietest(local_contrast(at_side(original)))
            for region, mask in (("quiet", quiet), ("rest", ~quiet)):
                own = self._region(picture, found, contrast, mask, region)
                values |= {f"{figure}_{region}": value for figure, value in own.items()}
        return values

    def _region(
        self, picture: UInt8Array, found: dict[str, Any], contrast: Float, mask: Mask | None, region: str
    ) -> dict[str, float]:
        """Figures over the blocks of a mask, or over the whole picture."""
        values = {}
        for figure, net, layers in (
            ("deep", self.deep, self.deep.deep_layers),
            ("fine", self.net, self.net.style_layers),
        ):
            losses = [
                style_loss(gram(net, layer, found[layer], _places(mask, picture, found[layer])), self.grams[layer])
                for layer in layers
            ]
            if losses:
                values[figure] = float(np.mean(losses))
        blocks = contrast.reshape(len(contrast), -1) if mask is None else contrast[:, mask]
        wanted = self.contrasts[region]
        missing = _quantiles(wanted) - _quantiles(blocks)
        values["texture"] = float(np.abs(missing).mean())
        if mask is None:
            missing = _quantiles(wanted, LOWEST_THIRD) - _quantiles(blocks, LOWEST_THIRD)
        values["flat"] = float(missing.mean())
        pixels = picture.reshape(-1, 3) if mask is None else _of_blocks(picture, mask)
        values["colour"] = float(np.abs(palette(pixels) - self.colours).mean())
        return values


def _features(net: LossNetwork, deep: LossNetwork, picture: UInt8Array) -> dict[str, Any]:
    """The style layers of one network and the deep layers of the other, in one pass where they are the same."""
    x = ops.convert_to_tensor(to_float(picture)[None])
    if deep is net:
        return features(net, x, (*net.style_layers, *net.deep_layers))
    return features(net, x, net.style_layers) | (features(deep, x, deep.deep_layers) if deep.deep_layers else {})


def _of_blocks(picture: UInt8Array, mask: Mask) -> UInt8Array:
    """The pixels ``[count, 3]`` of the blocks of a mask."""
    rows, columns = mask.shape
    blocks = picture[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3)
    return blocks.transpose(0, 2, 1, 3, 4)[mask].reshape(-1, 3)


def _places(mask: Mask | None, picture: UInt8Array, feature: Any) -> Float | None:
    """The share of each position of a feature ``[1, h, w, C]`` in the blocks of a mask: ``[1, h, w]``, 0..1."""
    if mask is None:
        return None
    cv2 = load_cv2()
    pixels = np.zeros(picture.shape[:2], np.float32)
    rows, columns = (side * BLOCK for side in mask.shape)
    pixels[:rows, :columns] = mask.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    height, width = feature.shape[1:3]
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.float32)[None]
