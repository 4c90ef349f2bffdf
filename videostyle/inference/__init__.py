"""Painting with trained weights: the compiled program, and the machine that it runs on.

Device, precision and memory, the program with its batches and tiles, the measurement of a shot's statistics, tuning and
export belong here. The network itself is in ``network``; ``processors.style`` decides which frame gets which weights.
"""
