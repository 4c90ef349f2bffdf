"""The place of the painting in a chain that a user writes."""

from __future__ import annotations

from videostyle.processors.protocol import Configured, Needs, Options


class Painting(Configured[Options]):
    """Paints: where it stands in a chain. Its options are those of the render: --style, --strength, --canvas...

    The style processor of the render (``style.StyleProcessor``) takes its place when the chain runs.
    """

    @property
    def needs(self) -> Needs:
        """The device that is chosen for painting."""
        return Needs(device="any")
