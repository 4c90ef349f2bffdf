"""Where a live picture goes: recording, network stream, page for a browser, virtual camera.

``output`` says what an output must do, and feeds each from a thread of its own. The window is ``live.window``: it
needs the program's first thread.
"""
