"""Reads the parameter sets of H.264 and HEVC that lie among a stream's packets: whether it may be interlaced.

*Source:* ITU-T H.264 (7.3.2.1, sequence parameter set; 7.4.1.2.4, NAL unit types), ITU-T H.265 (7.3.3, profile, tier
and level).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START_CODE = re.compile(rb"\x00\x00\x01")
H264_SPS, HEVC_SPS = 7, 33
SEARCHED = 4096  # bytes at the beginning of a packet in which parameter sets are looked for
LARGEST = 512  # bytes of a parameter set that are read
# Profiles of H.264 whose parameter sets state the chroma format and the bit depth.
HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class Sequence(NamedTuple):
    """What a sequence parameter set says of the frames that follow.

    Attributes:
        fields: whether they may be interlaced.
        shape: what must be the same for all frames of a decoder that does not start anew: size, chroma, bit depth.
    """

    fields: bool
    shape: tuple[int, ...]


class _Bits:
    """Reads bits from the left, Exp-Golomb codes included.

    Args:
        data: a NAL unit without its header.
    """

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\0\0\3", b"\0\0")  # emulation prevention
        self._bits = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """The next ``count`` bits.

        Raises:
            ValueError: if there are not so many.
        """
        self._left -= count
        if self._left < 0:
            raise ValueError("the parameter set is too short")
        return self._bits >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        """The next ue(v)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + (self.read(zeros) if zeros else 0)

    def signed(self) -> int:
        """The next se(v)."""
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def h264_sequence(unit: bytes) -> Sequence:
    """Reads a sequence parameter set of H.264.

    Args:
        unit: the NAL unit, its header included.

    Raises:
        ValueError: if it is cut off.
    """
    bits = _Bits(unit[1:LARGEST])
    profile = bits.read(8)
    bits.read(16)
    bits.unsigned()
    chroma, depth = 1, 8
    if profile in HIGH_PROFILES:
        chroma = bits.unsigned()
        if chroma == 3:
            bits.read(1)
        depth = 8 + bits.unsigned()
        bits.unsigned()
        bits.read(1)
        if bits.read(1):
            for number in range(8 if chroma != 3 else 12):
                if bits.read(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    bits.unsigned()
    bits.read(1)
    width, height = bits.unsigned() + 1, bits.unsigned() + 1
    fields = not bits.read(1)
    return Sequence(fields, (16 * width, 16 * height * (1 + fields), chroma, depth))


def hevc_sequence(unit: bytes) -> Sequence:
    """Reads the beginning of a sequence parameter set of HEVC: whether its source is stated to be interlaced.

    Args:
        unit: the NAL unit, its header included.

    Raises:
        ValueError: if it is cut off.
    """
    bits = _Bits(unit[2:LARGEST])
    bits.read(4)
    sublayers = bits.read(3)
    bits.read(1)
    bits.read(8 + 32)
    bits.read(1)  # progressive_source
    interlaced = bool(bits.read(1))
    bits.read(46)  # the rest of the general flags, general_level_idc follows in 8 bits
    if sublayers:
        return Sequence(interlaced, ())  # of every sub-layer a level of its own would have to be read
    bits.unsigned()
    chroma = bits.unsigned()
    if chroma == 3:
        bits.read(1)
    return Sequence(interlaced, (bits.unsigned(), bits.unsigned(), chroma))


def nal_units(data: bytes, length_size: int) -> Iterator[bytes]:
    """The NAL units at the beginning of a packet.

    Args:
        data: the packet, or its beginning.
        length_size: bytes of the length before each unit; 0 where units begin with start codes.
    """
    if not length_size:
        places = [match.end() for match in START_CODE.finditer(data)]
        for begin, end in zip(places, [*(place - 3 for place in places[1:]), len(data)], strict=True):
            yield data[begin:end]
        return
    at = 0
    while at + length_size < len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        yield data[at : at + size]
        at += size


def length_size_of(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each NAL unit of a stream, 0 where units begin with start codes.

    Args:
        codec: "h264" or "hevc".
        extradata: of the stream, as its container holds it.
    """
    place = 4 if codec == "h264" else 21
    return (extradata[place] & 3) + 1 if len(extradata) > place and extradata[0] == 1 else 0


def sequences(codec: str, data: bytes, length_size: int) -> Iterator[Sequence]:
    """What the sequence parameter sets in a packet or in extradata say; damaged ones are passed over.

    Args:
        codec: "h264" or "hevc".
        data: the packet's beginning, or extradata with start codes.
        length_size: as in ``nal_units``.
    """
    for unit in nal_units(data, length_size):
        wanted = unit and (unit[0] & 31 == H264_SPS if codec == "h264" else unit[0] >> 1 & 63 == HEVC_SPS)
        try:
            if wanted:
                yield h264_sequence(unit) if codec == "h264" else hevc_sequence(unit)
        except ValueError:
            continue


def stored_sequences(codec: str, extradata: bytes) -> Iterator[Sequence]:
    """What the parameter sets in a stream's extradata say (avcC, hvcC or start codes)."""
    if not length_size_of(codec, extradata):
        yield from sequences(codec, extradata, 0)
        return
    # Units have a length of two bytes there. Instead of reading the records around them: look for them.
    at = 6 if codec == "h264" else 23
    for begin in range(at, len(extradata) - 2):
        size = int.from_bytes(extradata[begin : begin + 2], "big")
        unit = extradata[begin + 2 : begin + 2 + size]
        if 4 < size == len(unit):
            found = list(sequences(codec, len(unit).to_bytes(4, "big") + unit, 4))
            if found:
                yield from found
                return
