"""Figures of painted video: stillness, style, content."""
