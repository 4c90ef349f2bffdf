"""Where painted frames go: ``open`` chooses the writer, ``base`` says what one must do.

A writer's output is there when it is complete, checked and named, and not before. ``encoder`` encodes, ``mux`` puts
the encoded picture beside the original's sound, ``video`` and ``images`` are the writers.
"""
