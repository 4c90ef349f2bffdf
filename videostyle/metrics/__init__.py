"""Measurements of painted video: flicker, style and content, and the report that shows them.

Each figure has a definition, a unit and a test with a known answer. Losses for training belong in ``training`` and
``network.perceptual``; ``rendering.bench`` measures speed.
"""
