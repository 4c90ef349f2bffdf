"""Painting while it plays: the newest frame, and never a queue of older ones.

``session`` builds a run: ``capture`` reads, ``painter`` paints, ``pace`` chooses the painted size, ``loop`` joins
them with window and outputs; ``scene_follower`` keeps statistics up to date. What is painted into files in its own
time belongs into ``rendering``; where frames come from into ``media.readers.camera``.
"""
