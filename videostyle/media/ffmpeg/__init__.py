"""ffmpeg: its codecs (``codecs``), its arguments (``argv``), and running it (``process``).

``argv`` and ``codecs`` are tables and pure functions; only ``process`` starts a program.
"""
