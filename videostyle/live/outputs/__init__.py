"""Outputs of a live run: recording, network stream, page for a browser, virtual camera.

``output`` defines what an output does, and feeds each in its own thread. The window is in ``live.window``, because it
needs the main thread.
"""
