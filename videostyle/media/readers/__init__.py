"""Readers of frames: ``open`` chooses the reader, ``base`` holds what all share, each other module is one kind.

A reader delivers upright, progressive RGB frames in order, each with its own time. Its ``warnings`` say what it changed
or could not read. A part of a clip is read exactly as within the whole clip. ``camera`` delivers live frames.
"""
