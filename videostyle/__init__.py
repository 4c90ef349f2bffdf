"""videostyle paints video in the style of a painting, frame after frame, without flicker."""

__version__ = "0.1.0"
