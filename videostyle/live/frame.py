"""A frame with the time of its capture, from which latency is counted."""

from __future__ import annotations

from dataclasses import dataclass

from videostyle.frames import UInt8Array


@dataclass(frozen=True)
class LiveFrame:
    """One captured frame, before or after painting.

    Attributes:
        picture: uint8 ``[H, W, 3]``, RGB, full range.
        captured: time of its capture, seconds of ``time.monotonic``.
        number: frames captured before it.
    """

    picture: UInt8Array
    captured: float
    number: int
