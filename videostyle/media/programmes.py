"""Finds which streams of a transport stream belong together: its programmes, from its tables.

*Source:* ISO/IEC 13818-1, 2.4.4 (programme association and programme map tables).
"""

from __future__ import annotations

from pathlib import Path

PACKET_SIZES = (188, 192, 204)  # plain, with a time stamp before it (M2TS), with error correction behind it
SYNC = 0x47
SEARCHED = 1 << 22  # bytes in which tables are looked for; they come several times a second
PAT, PMT = 0x00, 0x02  # table ids


def programmes(path: Path) -> list[frozenset[int]]:
    """The packet identifiers (PIDs) of the streams of each programme; none if there is no such table."""
    with path.open("rb") as file:
        data = file.read(SEARCHED)
    size, first = _layout(data)
    if not size:
        return []
    maps: set[int] = set()
    found: dict[int, frozenset[int]] = {}
    sections: dict[int, bytes] = {}
    for at in range(first, len(data) - 187, size):
        pid = int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF
        if data[at] != SYNC or (pid != 0 and pid not in maps):
            continue
        payload = _payload(data[at : at + 188])
        if data[at + 1] & 0x40 and payload:  # a section begins here, behind its pointer
            sections[pid] = payload[1 + payload[0] :]
        elif pid in sections:
            sections[pid] += payload
        section = sections.get(pid, b"")
        length = 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) if len(section) >= 3 else 0
        if not length or len(section) < length:
            continue
        del sections[pid]
        if section[0] == PAT and pid == 0:
            entries = range(8, length - 4, 4)
            maps |= {
                int.from_bytes(section[at + 2 : at + 4], "big") & 0x1FFF
                for at in entries
                if any(section[at : at + 2])  # programme 0 is the network's own table
            }
        elif section[0] == PMT and pid != 0:
            found[pid] = _streams(section[:length])
        if maps and set(found) >= maps:
            break
    return [found[pid] for pid in sorted(found)]


def _layout(data: bytes) -> tuple[int, int]:
    """Size of a packet and where the first one begins; (0, 0) if it is no transport stream."""
    for size in PACKET_SIZES:
        for first in range(min(size, len(data))):
            places = range(first, min(len(data), first + 5 * size), size)
            if len(places) >= 3 and all(data[place] == SYNC for place in places):
                return size, first
    return 0, 0


def _payload(packet: bytes) -> bytes:
    control = packet[3] >> 4 & 3
    if not control & 1:
        return b""
    return packet[4:] if control == 1 else packet[5 + packet[4] :]


def _streams(section: bytes) -> frozenset[int]:
    pids = set()
    at = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while at + 5 <= len(section) - 4:
        pids.add(int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF)
        at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF)
    return frozenset(pids)
