"""Live painting: always the newest frame, never a queue of older ones.

``session`` builds a run: ``capture`` reads, ``painter`` paints, ``pace`` chooses the painted size, ``loop`` connects
them with window and outputs, and ``scene_follower`` keeps statistics up to date. Painting files belongs in
``rendering``; cameras and streams are in ``media.readers.camera``.
"""
