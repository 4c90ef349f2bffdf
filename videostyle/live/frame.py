"""A frame and the moment of its capture, from which every delay is counted."""

from __future__ import annotations

from dataclasses import dataclass

from videostyle.frames import UInt8Array


@dataclass(frozen=True)
class LiveFrame:
    """A painted frame on its way out.

    Attributes:
        picture: uint8 ``[H, W, 3]`` RGB.
        captured: when it was captured, ``time.monotonic``.
        number: of the captured frame.
    """

    picture: UInt8Array
    captured: float
    number: int
