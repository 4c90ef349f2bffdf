"""Styles: cards, files, mixes, the gallery."""
