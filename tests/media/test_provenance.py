"""What a painted file says of itself is read again as it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from videostyle.media.provenance import SOURCE_TYPE, Painted, embed, read, read_xmp
from videostyle.media.writers.images import write_png

PLAIN = Painted("great-wave", "The Great Wave", "Hokusai", 0.7, "1.2.3")


@pytest.mark.parametrize(
    "text",
    [
        *("Tom & Jerry", '"quoted"', "it's", "<b>", "]]>", "a\nb\tc", "&amp;", "Ünï 絵 \U0001f600", "", " x "),
        *("'both\"", "{urn:videostyle:1.0}style", "?>", "/>"),
    ],
)
def test_any_text_comes_back(text: str, tmp_path: Path) -> None:
    painted = replace(PLAIN, painting=text, artist=text, style=text)
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert embed(tmp_path / "a.png", painted.xmp())
    assert read(tmp_path / "a.png") == painted
    root = ElementTree.fromstring(read_xmp(tmp_path / "a.png"))  # noqa: S314
    assert root[0][0].attrib[
        "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    ] == SOURCE_TYPE  # fmt: skip


@pytest.mark.parametrize("text", ["\0", "\x0b", "\ud800", "\ufffe"])
def test_what_xml_cannot_hold_is_replaced(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(replace(PLAIN, artist=f"a{text}b").xmp())
    assert read(tmp_path / "x") == replace(PLAIN, artist="a\ufffdb")


def test_packets_of_other_programs_are_read_as_xml(tmp_path: Path) -> None:
    """Other programs write attributes in another order, with other quotes and another prefix."""
    packet = """<?xpacket begin='' id='x'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>
        <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
        <rdf:Description rdf:about='' xmlns:p='urn:videostyle:1.0' p:strength='0.7'
            p:artist='Hokusai' p:version = '1.2.3' p:style='great-wave' p:painting='The Great Wave'/>
        </rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""
    (tmp_path / "x").write_text(packet)
    assert read(tmp_path / "x") == PLAIN


@pytest.mark.parametrize(
    "packet",
    [
        '<?xpacket begin="" ?><broken urn:videostyle:1.0 <?xpacket end="w"?>',
        '<?xpacket begin="" ?><x xmlns:vs="urn:videostyle:1.0"/><?xpacket end="w"?>',
        '<?xpacket begin="" ?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x><?xpacket end="w"?>',
    ],
)
def test_what_is_no_packet_of_ours_says_nothing(packet: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(packet)
    assert read(tmp_path / "x") is None
