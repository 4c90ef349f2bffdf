"""Network addresses of streams: which are accepted, and how they are shown without their secrets."""

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
    """An address of an accepted kind.

    Attributes:
        url: as it was given.
        scheme: its kind, in lower case.
    """

    url: str
    scheme: str

    def __str__(self) -> str:
        """The address for messages: without stream key, user and password, which must not get into logs."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # the port is not a number; connecting will report it
            return f"{self.scheme}://..."
        host = f"[{host}]" if ":" in host else host
        shown = f"{self.scheme}://{host}{f':{port}' if port is not None else ''}"
        folders = [part for part in parts.path.split("/") if part]
        if len(folders) > 1:
            shown += f"/{folders[0]}"
        return f"{shown}/..." if folders or parts.query else shown


def is_address(text: str) -> bool:
    """Whether a text is an address of any kind, and not a path."""
    return "://" in text


def parse_address(text: str, schemes: Collection[str], doing: str) -> Address:
    """Reads an address.

    Args:
        text: the text of the user.
        schemes: the accepted kinds, such as ``rtmp``.
        doing: the purpose, for the message ("open", "stream to").

    Raises:
        UsageError: if it is of another kind; the message lists the accepted ones.
    """
    scheme = text.split("://", 1)[0].lower()
    if not is_address(text) or scheme not in schemes or not text.split("://", 1)[1]:
        raise UsageError(
            f"cannot {doing} '{text}'", hint=f"addresses begin with {', '.join(s + '://' for s in schemes)}"
        )
    return Address(text, scheme)
