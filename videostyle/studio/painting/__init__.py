"""Paints previews: what a user chose, at one frame, with weights and programs that stay loaded."""
