"""Losses, flow, pairs of frames and the trainer. Keras and NumPy only."""
