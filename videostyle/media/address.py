"""Addresses of streams, coming in and going out: which are taken, and how they are shown to others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from videostyle.errors import UsageError

INPUTS = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "tcp", "http", "https")
# What each kind of address carries; flv is what RTMP is made of, the others take an MPEG transport stream.
OUTPUTS = {"rtmp": "flv", "rtmps": "flv", "srt": "mpegts", "udp": "mpegts", "rtp": "rtp_mpegts", "tcp": "mpegts"}


@dataclass(frozen=True)
class Address:
    """An address of a kind that is taken.

    Attributes:
        url: as it was given.
        scheme: its kind, in lower case.
    """

    url: str
    scheme: str

    def __str__(self) -> str:
        """For messages: a stream's key, user and password stay out of logs and screenshots."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # of a port that is none; whoever connects will say so
            return f"{self.scheme}://..."
        host = f"[{host}]" if ":" in host else host
        shown = f"{self.scheme}://{host}{f':{port}' if port is not None else ''}"
        folders = [part for part in parts.path.split("/") if part]
        if len(folders) > 1:
            shown += f"/{folders[0]}"
        return f"{shown}/..." if folders or parts.query else shown


def is_address(text: str) -> bool:
    """Whether a text is an address, of whatever kind, rather than a path."""
    return "://" in text


def parse_address(text: str, schemes: Collection[str], doing: str) -> Address:
    """Reads an address of one of some kinds.

    Args:
        text: what the user gave.
        schemes: the kinds that are taken, as ``rtmp``.
        doing: what it is wanted for, for the message ("open", "stream to").

    Raises:
        UsageError: if it is none of these kinds; names those there are.
    """
    scheme = text.split("://", 1)[0].lower()
    if not is_address(text) or scheme not in schemes or not text.split("://", 1)[1]:
        raise UsageError(
            f"cannot {doing} '{text}'", hint=f"addresses begin with {', '.join(s + '://' for s in schemes)}"
        )
    return Address(text, scheme)
