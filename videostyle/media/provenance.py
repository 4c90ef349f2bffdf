"""Marks a painted file with its style and strength, in a form that other programs can read.

The mark is in two places: the tags of the container (``comment`` for people, ``videostyle`` as JSON for programs), and
an XMP packet with IPTC's ``DigitalSourceType``, in the box or chunk that each format has for it.

*Source:* IPTC digital source type "composite with trained algorithmic media"; XMP specification part 3
(storage in MP4/MOV, PNG, JPEG, WebP and GIF).
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from videostyle.media import gif
from videostyle.media.picture_metadata import embed_metadata

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
NAMESPACE = "urn:videostyle:1.0"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# Characters that XML cannot hold, not even escaped, and their replacement.
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNKNOWN = "\ufffd"
TAIL = 1 << 20  # bytes at the end of a video file in which its XMP box is looked for


@dataclass(frozen=True)
class Painted:
    """How a file was painted.

    Attributes:
        style: its name.
        painting: title of the painting.
        artist: who painted that.
        strength: 0..1.
        version: of the program.
        settings: all that decides what the file holds, as a JSON object; "" where it is not known.
    """

    style: str
    painting: str
    artist: str
    strength: float
    version: str
    settings: str = ""

    def tags(self) -> dict[str, str]:
        """Tags for a container."""
        by = f" ({self.painting}{', ' + self.artist if self.artist else ''})" if self.painting else ""
        comment = f"Painted by videostyle {self.version} with the style {self.style}{by}, strength {self.strength:g}"
        return {"comment": comment, "videostyle": json.dumps(asdict(self), sort_keys=True)}

    def xmp(self) -> bytes:
        """An XMP packet."""
        attributes = {
            "xmlns:xmp": "http://ns.adobe.com/xap/1.0/",
            "xmlns:Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
            "xmlns:vs": NAMESPACE,
            "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPE,
            "xmp:CreatorTool": f"videostyle {self.version}",
            **{f"vs:{key}": str(value) for key, value in asdict(self).items()},
        }
        text = " ".join(f"{name}={quoteattr(NOT_IN_XML.sub(UNKNOWN, value))}" for name, value in attributes.items())
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
            f'<rdf:Description rdf:about="" {text}/>'
            '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        ).encode()


def embed(path: Path, xmp: bytes) -> bool:
    """Writes an XMP packet into a finished file; False if its format has no place for one."""
    head = path.open("rb").read(16)
    if head[4:8] == b"ftyp":
        with path.open("ab") as file:
            file.write(struct.pack(">I", 8 + 16 + len(xmp)) + b"uuid" + XMP_UUID + xmp)
        return True
    if head[:3] == b"GIF":
        gif.add_xmp(path, xmp)
        return True
    if head[:4] in (b"\x89PNG", b"RIFF") or head[:2] == b"\xff\xd8":
        return embed_metadata(path, b"", b"", xmp)
    return False


def read_xmp(path: Path) -> bytes:
    """The XMP packet of a file, b"" if none is found."""
    with path.open("rb") as file:
        start = file.read(TAIL)
        file.seek(max(0, path.stat().st_size - TAIL))
        data = start + file.read(TAIL)
    match = re.search(rb"<\?xpacket begin=.*?<\?xpacket end=[^>]*\?>", data, re.DOTALL)
    return match.group(0) if match else b""


def read(path: Path, tags: dict[str, str] | None = None) -> Painted | None:
    """How a file was painted, from its tags or its XMP packet; None if neither says so."""
    found: dict[str, object] = {}
    text = (tags or {}).get("videostyle") or (tags or {}).get("VIDEOSTYLE")
    if text:
        try:
            found = dict(json.loads(text))
        except (ValueError, TypeError):
            found = {}
    found = found or dict(_own_attributes(read_xmp(path)))
    if not found:
        return None
    try:
        texts = {key: str(found.get(key, "")) for key in ("style", "painting", "artist", "version", "settings")}
        return Painted(strength=float(str(found.get("strength", 1.0))), **texts)
    except ValueError:
        return None


def _own_attributes(packet: bytes) -> dict[str, str]:
    """The attributes of an XMP packet in this program's own namespace; empty if there are none, or it is not XML."""
    if b"<!DOCTYPE" in packet:
        return {}  # XMP has none; entities defined there could grow without end
    try:
        root = ElementTree.fromstring(packet)  # noqa: S314
    except ElementTree.ParseError:
        return {}
    prefix = f"{{{NAMESPACE}}}"
    return {
        name.removeprefix(prefix): value
        for description in root.iter(f"{{{RDF}}}Description")
        for name, value in description.attrib.items()
        if name.startswith(prefix)
    }
