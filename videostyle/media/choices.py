"""The values that settings of reading and writing may have.

Nothing of weight is imported, so that the command line, which offers these values, starts at once.
"""

from __future__ import annotations

from typing import Literal, get_args

HardwareDecoder = Literal["cuda", "vaapi", "videotoolbox", "d3d11va"]  # in PyAV's words
HARDWARE_DECODERS: tuple[str, ...] = get_args(HardwareDecoder)
KEEP_HDR = "keep"
TONE_MAPS = ("mobius", "hable", "reinhard", "clip", KEEP_HDR)  # operators of ffmpeg's ``tonemap``; HDR stays as it is
BIT_DEPTHS = ("auto", "8", "10")  # of stored samples; "auto" = as the source, where the codec can
