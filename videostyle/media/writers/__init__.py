"""Writers of painted frames: ``open`` chooses the writer, ``base`` defines what a writer does.

An output gets its name only when it is complete and checked. ``video`` and ``images`` are the writers; ``encoder``
encodes, and ``mux`` combines the encoded video with the sound of the original.
"""
