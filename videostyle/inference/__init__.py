"""Painting with trained weights: the compiled program, and the machine that it runs on.

Here belong device, precision and memory, the program and its batches and tiles, the measurement of a shot's
statistics, tuning and export. What is computed is ``network``'s; which weights hold at which frame
``processors.style`` decides.
"""
