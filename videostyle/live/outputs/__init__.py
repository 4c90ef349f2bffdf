"""Outputs of a live run: recording, network stream, page for a browser, virtual camera."""
