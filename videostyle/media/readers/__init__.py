"""Where frames come from: one module for each kind of reader; ``open`` chooses, ``base`` holds what all share.

A reader gives upright, progressive RGB frames in order, each with its own time, says in ``warnings`` what it changed
or could not read, and reads a part of a clip as it would have read it within the whole. ``camera`` gives live frames.
"""
