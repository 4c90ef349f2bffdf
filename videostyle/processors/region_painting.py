"""Paints regions of frames in several styles, in one pass, and shows where the regions are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from videostyle.frames import AnyArray, FrameBatch, UInt8Array, VideoInfo, to_bytes, to_words
from videostyle.processors.masked import within
from videostyle.processors.protocol import Needs, Processor, needs_of
from videostyle.processors.regions.kinds import RegionChoice, make_mask
from videostyle.processors.regions.mask import RegionMask

COLOURS = ((255, 80, 60), (60, 160, 255), (80, 220, 80), (255, 200, 40))  # of regions, one after the other
TINT = 0.45  # share of the colour


@dataclass(frozen=True)
class Layer:
    """A region, and what is painted in it.

    Attributes:
        mask: the region.
        painter: paints it; None = it is left as it was before the painting.
    """

    mask: RegionMask
    painter: Processor | None


def _together(masks: Sequence[RegionMask], others: Sequence[Needs] = ()) -> Needs:
    """What masks need, and processors that get the same batches."""
    needs = [*(mask.needs for mask in masks), *others]
    return Needs(
        history=max(need.history for need in needs),
        lookahead=max(need.lookahead for need in needs),
        original=True,
        device="any",
    )


class RegionPainting:
    """Paints frames within regions, and other regions in other styles over it, in order.

    Outside of all regions, pixels stay exactly what they were.

    Args:
        painter: the style of the render; it delivers RGB.
        limits: the regions that it is limited to, all of them together; () = it paints everywhere.
        layers: what is painted over it, in order.
    """

    def __init__(self, painter: Processor, limits: Sequence[RegionMask], layers: Sequence[Layer]) -> None:
        self._painter, self._limits, self._layers = painter, list(limits), list(layers)

    @property
    def needs(self) -> Needs:
        """The frames that the regions look at."""
        masks = [*self._limits, *(layer.mask for layer in self._layers)]
        painters = [self._painter, *(layer.painter for layer in self._layers if layer.painter is not None)]
        return _together(masks, [needs_of(painter) for painter in painters])

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens painters and regions."""
        for mask in self._limits:
            mask.open(info)
        for layer in self._layers:
            layer.mask.open(info)
            if layer.painter is not None:
                layer.painter.open(info)
        return self._painter.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Paints a batch."""
        clip = batch.frames if batch.original is None else batch.original
        if self._limits:
            limit = np.maximum.reduce([mask(batch) for mask in self._limits])
            done = self._over(batch, limit, self._painter, clip)
        else:
            done = self._painter(batch)
        for layer in self._layers:
            done = self._with_layer(batch, layer, clip, done)
        return done

    @staticmethod
    def _over(batch: FrameBatch, mask: UInt8Array, painter: Processor, below: AnyArray) -> FrameBatch:
        """What a painter makes of a batch within a mask, and other frames outside."""
        # It is asked even where there is no region: its frames may have another format.
        painted = painter(batch)
        return replace(painted, frames=within(mask, painted.frames, below))

    def _with_layer(self, batch: FrameBatch, layer: Layer, clip: AnyArray, done: FrameBatch) -> FrameBatch:
        mask = layer.mask(batch)
        if not mask.any():
            return done
        if layer.painter is not None:
            return self._over(batch, mask, layer.painter, done.frames)
        # What is there decides the format, so the mask is turned round.
        return replace(done, frames=within(np.asarray(255 - mask, np.uint8), done.frames, clip))

    def close(self) -> None:
        """Closes painters and regions."""
        for mask in self._limits:
            mask.close()
        for layer in self._layers:
            layer.mask.close()
            if layer.painter is not None:
                layer.painter.close()
        self._painter.close()


def in_regions(painter: Processor, regions: Sequence[RegionChoice], layers: Sequence[Processor]) -> Processor:
    """A painting in its regions.

    Args:
        painter: paints.
        regions: that limit it, or are painted otherwise; () = the whole frame.
        layers: paint those that are painted otherwise (``RegionChoice.paints``), in order.
    """
    if not regions:
        return painter
    limits = [make_mask(choice) for choice in regions if choice.limits]
    left = iter(layers)
    over = [Layer(make_mask(choice), next(left) if choice.paints else None) for choice in regions if not choice.limits]
    return RegionPainting(painter, limits, over)


class ShownRegions:
    """Shows where regions are, instead of painting: over the clip, or as a mask that can be used again.

    Args:
        masks: of the regions, in order.
        alone: all of them together, white on black; otherwise they are tinted in the frame.
        deep: whether frames of 16 bits are delivered; otherwise of 8.
    """

    def __init__(self, masks: Sequence[RegionMask], alone: bool, *, deep: bool = False) -> None:
        self._masks, self._alone, self._deep = list(masks), alone, deep

    @property
    def needs(self) -> Needs:
        """The frames that the regions look at."""
        return _together(self._masks)

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the regions."""
        for mask in self._masks:
            mask.open(info)
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Shows the regions of each frame."""
        masks = [mask(batch) for mask in self._masks]
        if self._alone:
            whole = np.maximum.reduce(masks)
            frames: AnyArray = np.repeat(whole[..., None], 3, axis=3)
        else:
            frames = to_bytes(batch.frames)
            frames = (frames * np.float32(0.6)).astype(np.uint8)
            for number, mask in enumerate(masks):
                tint = np.array(COLOURS[number % len(COLOURS)], np.float32)
                inside = to_bytes(batch.frames) * np.float32(1 - TINT) + tint * np.float32(TINT)
                frames = within(mask, np.rint(inside).astype(np.uint8), frames)
        if self._deep:
            return replace(batch, frames=to_words(frames), pixel_format="rgb48")
        alpha = None if batch.alpha is None else to_bytes(batch.alpha)
        return replace(batch, frames=frames, pixel_format="rgb24", alpha=alpha)

    def close(self) -> None:
        """Closes the regions."""
        for mask in self._masks:
            mask.close()
