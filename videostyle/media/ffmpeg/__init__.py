"""ffmpeg: which codecs it is asked for (``codecs``), with which arguments (``argv``), and how it is run (``process``).

``argv`` and ``codecs`` are tables and pure functions; nothing but ``process`` starts a program.
"""
