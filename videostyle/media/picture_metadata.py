"""EXIF and ICC profiles of picture files: found, cleaned, and written into other files.

*Source:* Exif 3.0 (TIFF header and IFDs), ITU-T T.81 (JPEG markers), PNG third edition (eXIf, iCCP), WebP Container
Specification (EXIF, ICCP), TIFF 6.0, ICC.1:2022 annex B (embedding).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from videostyle.media import webp

LARGEST_EXIF = 65_527  # bytes that a JPEG marker holds
LARGEST_PROFILE = 1 << 24  # bytes of an unpacked profile
WITH_METADATA = (".jpg", ".jpeg", ".png", ".webp")  # pictures that ``embed_metadata`` writes into
PNG = b"\x89PNG\r\n\x1a\n"
EXIF_HEADER, ICC_HEADER = b"Exif\0\0", b"ICC_PROFILE\0"
JPEG_XMP, PNG_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"XML:com.adobe.xmp"  # what marks XMP in them
ORIENTATION, EXTRA_SAMPLES, ICC_TAG = 274, 338, 34675
THUMBNAIL, THUMBNAIL_SIZE = 513, 514
# Tags of a TIFF that say something of the picture: description, maker, model, software, date, artist, copyright; and
# the directories of EXIF and of places.
DESCRIPTIVE, DIRECTORIES = (270, 271, 272, 305, 306, 315, 33432), (34665, 34853)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of TIFF's types


class Metadata(NamedTuple):
    """What a picture file says beside its pixels.

    Attributes:
        exif: a TIFF structure, without the ``Exif`` header; b"" if there is none.
        icc: the profile; b"" if there is none.
        orientation: 1 to 8 as in EXIF; 1 is upright.
        premultiplied: whether colours of a TIFF are stored multiplied by their alpha.
    """

    exif: bytes = b""
    icc: bytes = b""
    orientation: int = 1
    premultiplied: bool = False


def read_metadata(data: bytes) -> Metadata:
    """What a picture file says beside its pixels; what is damaged counts as missing.

    Args:
        data: the file.
    """
    try:
        if data[:2] == b"\xff\xd8":
            exif, icc = _of_jpeg(data)
        elif data[:8] == PNG:
            exif, icc = _of_png(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            chunks = dict(_webp_chunks(data))
            exif, icc = chunks.get(b"EXIF", b"").removeprefix(EXIF_HEADER), chunks.get(b"ICCP", b"")
        elif data[:4] in (b"II*\0", b"MM\0*"):
            tags = dict(_Tiff(data).tags())
            premultiplied = _number(tags.get(EXTRA_SAMPLES)) == 1
            return Metadata(_of_tiff(data), _bytes(tags.get(ICC_TAG)), _orientation(tags), premultiplied)
        else:
            return Metadata()
        tags = dict(_Tiff(exif).tags()) if exif else {}
        return Metadata(exif, icc, _orientation(tags))
    except (struct.error, ValueError, IndexError, zlib.error):
        return Metadata()


def _number(value: tuple[int, bytes, int] | None) -> int:
    return value[0] if value is not None else 0


def _bytes(value: tuple[int, bytes, int] | None) -> bytes:
    return value[1] if value is not None else b""


def _orientation(tags: dict[int, tuple[int, bytes, int]]) -> int:
    found = _number(tags.get(ORIENTATION))
    return found if 1 <= found <= 8 else 1


class _Tiff:
    """A TIFF structure.

    Args:
        data: from its byte order mark on.

    Raises:
        ValueError: if it is none.
    """

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no TIFF header")
        self.order = "<" if data[:1] == b"I" else ">"
        self.data = data
        (self.first,) = struct.unpack_from(self.order + "I", data, 4)

    def tags(self, at: int | None = None) -> Iterator[tuple[int, tuple[int, bytes, int]]]:
        """Tags of a directory (None = the first): number, and first value, all bytes, place of the value field."""
        at = self.first if at is None else at
        (count,) = struct.unpack_from(self.order + "H", self.data, at)
        for place in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(self.order + "HHI", self.data, place)
            size = SIZES.get(kind, 0) * length
            start = place + 8 if size <= 4 else struct.unpack_from(self.order + "I", self.data, place + 8)[0]
            value = self.data[start : start + size]
            form = {1: "B", 3: "H", 4: "I"}.get(kind)
            first = struct.unpack_from(self.order + form, value)[0] if form and size >= SIZES[kind] else 0
            yield tag, (first, value, place + 8)

    def end(self, at: int) -> int:
        """Where the offset of the next directory is stored."""
        (count,) = struct.unpack_from(self.order + "H", self.data, at)
        return int(at + 2 + 12 * count)


def _of_tiff(data: bytes) -> bytes:
    """EXIF of what a TIFF file says of its picture; b"" if it says nothing."""
    tiff = _Tiff(data)
    order = tiff.order

    def entries(at: int | None = None) -> dict[int, tuple[int, int, bytes]]:
        found = {}
        for tag, (_, value, place) in tiff.tags(at):
            kind, count = struct.unpack_from(order + "HI", data, place - 6)
            if len(value) == SIZES.get(kind, 0) * count:
                found[tag] = kind, count, value
        return found

    def packed(found: dict[int, tuple[int, int, bytes]], begin: int) -> bytes:
        fields, behind, after = struct.pack(order + "H", len(found)), b"", begin + 6 + 12 * len(found)
        for tag, (kind, count, value) in sorted(found.items()):
            fields += struct.pack(order + "HHI", tag, kind, count)
            fields += value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", after + len(behind))
            behind += value + b"\0" * (len(value) % 2) if len(value) > 4 else b""
        return fields + struct.pack(order + "I", 0) + behind

    whole = entries()
    first = {tag: whole[tag] for tag in DESCRIPTIVE if tag in whole}
    inner = {tag: entries(_number(dict(tiff.tags())[tag])) for tag in DIRECTORIES if tag in whole}
    inner = {tag: {key: value for key, value in found.items() if key != 40965} for tag, found in inner.items() if found}
    if not first and not inner:
        return b""
    size = len(packed({**first, **dict.fromkeys(inner, (4, 1, b"0000"))}, 8))
    rest = b""
    for tag, found in inner.items():
        begin = 8 + size + len(rest)
        first[tag] = 4, 1, struct.pack(order + "I", begin)
        rest += packed(found, begin)
    return data[:4] + struct.pack(order + "I", 8) + packed(first, 8) + rest


def clean_exif(exif: bytes) -> bytes:
    """EXIF for a picture that was turned upright and painted: orientation 1, no thumbnail of the original.

    Args:
        exif: a TIFF structure.

    Returns:
        A TIFF structure; b"" if the given one is damaged.
    """
    try:
        tiff = _Tiff(exif)
        cleaned = bytearray(exif)
        for tag, (_, _, place) in tiff.tags():
            if tag == ORIENTATION:
                struct.pack_into(tiff.order + "HH", cleaned, place, 1, 0)
        after = tiff.end(tiff.first)
        (second,) = struct.unpack_from(tiff.order + "I", exif, after)
        if second:
            tags = dict(tiff.tags(second))
            begin, size = _number(tags.get(THUMBNAIL)), _number(tags.get(THUMBNAIL_SIZE))
            struct.pack_into(tiff.order + "I", cleaned, after, 0)
            end = min(len(cleaned), begin + size)
            if begin:
                cleaned[begin:end] = bytes(max(0, end - begin))
            if begin and end == len(exif):
                del cleaned[begin:]
    except (struct.error, ValueError):
        return b""
    return bytes(cleaned)


def _of_jpeg(data: bytes) -> tuple[bytes, bytes]:
    exif, profile = b"", {}
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:
            break
        body = data[at + 4 : at + 2 + size]
        if marker == 0xE1 and body.startswith(EXIF_HEADER) and not exif:
            exif = body[len(EXIF_HEADER) :]
        elif marker == 0xE2 and body.startswith(ICC_HEADER) and len(body) > 14:
            profile[body[12]] = body[14:]
        at += 2 + size
    return exif, b"".join(profile[number] for number in sorted(profile))


def _of_png(data: bytes) -> tuple[bytes, bytes]:
    exif = icc = b""
    at = len(PNG)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if name == b"eXIf":
            exif = body.removeprefix(EXIF_HEADER)
        elif name == b"iCCP":
            packed = body[body.index(b"\0") + 2 :]
            icc = zlib.decompressobj().decompress(packed, LARGEST_PROFILE)
        at += 12 + size
    return exif, icc


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((name, data[begin : begin + length]) for name, begin, length in webp.chunks(data))


def embed_metadata(path: Path, exif: bytes, icc: bytes, xmp: bytes = b"") -> bool:
    """Writes EXIF, a profile and XMP into a finished picture file, all at once.

    Args:
        path: the file.
        exif: a TIFF structure; b"" = none. JPEG has no room for more than ``LARGEST_EXIF``.
        icc: a profile; b"" = none.
        xmp: a packet; b"" = none.

    Returns:
        False if it is none of ``WITH_METADATA``; it is left as it is then.
    """
    data = path.read_bytes()
    if data[:2] == b"\xff\xd8":
        parts = jpeg_segment(0xE1, JPEG_XMP + xmp) if xmp else b""
        if exif and len(exif) <= LARGEST_EXIF:
            parts += jpeg_segment(0xE1, EXIF_HEADER + exif)
        pieces = [icc[at : at + 65_519] for at in range(0, len(icc), 65_519)]
        for number, piece in enumerate(pieces, 1):
            header = ICC_HEADER + bytes([number, len(pieces)])
            parts += jpeg_segment(0xE2, header + piece)
        path.write_bytes(with_segments(data, parts))
    elif data[:8] == PNG:
        parts = png_chunk(b"iTXt", PNG_XMP + b"\0\0\0\0\0" + xmp) if xmp else b""
        parts += png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(icc)) if icc else b""
        parts += png_chunk(b"eXIf", exif) if exif else b""
        path.write_bytes(with_chunks(data, parts))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        path.write_bytes(_webp_with(data, exif, icc, xmp))
    else:
        return False
    return True


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file; ``body`` has at most 65,533 bytes."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(jpeg: bytes, segments: bytes) -> bytes:
    """A JPEG file with segments at its beginning."""
    return jpeg[:2] + segments + jpeg[2:]


def with_chunks(png: bytes, chunks: bytes) -> bytes:
    """A PNG file with chunks behind its header, which is always 25 bytes long."""
    return png[:33] + chunks + png[33:]


def png_chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _webp_with(data: bytes, exif: bytes, icc: bytes, xmp: bytes) -> bytes:
    """A WebP file with EXIF, a profile and XMP; a simple file becomes an extended one."""
    chunks = list(_webp_chunks(data))
    extended = dict(chunks).get(b"VP8X")
    if extended is None:
        name, body = chunks[0]
        if name == b"VP8L":
            (bits,) = struct.unpack_from("<I", body, 1)
            width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
        else:
            width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", body, 6))
            alpha = False
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        extended = bytes([0x10 if alpha else 0, 0, 0, 0]) + sizes
    flags = extended[0] | (0x20 if icc else 0) | (0x08 if exif else 0) | (0x04 if xmp else 0)
    pictures = [chunk for chunk in chunks if chunk[0] not in (b"VP8X", b"ICCP", b"EXIF", b"XMP ")]
    written = [(b"VP8X", bytes([flags]) + extended[1:])]
    written += [(b"ICCP", icc)] if icc else []
    written += pictures + ([(b"EXIF", exif)] if exif else []) + ([(b"XMP ", xmp)] if xmp else [])
    body = b"".join(name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2) for name, part in written)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
