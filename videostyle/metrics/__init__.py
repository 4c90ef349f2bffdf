"""Figures of painted video: how still it is, how painted, how much of the scene is left; the report that shows them.

Each figure has a definition, a unit and a test with a known answer. Losses that are trained with belong into
``training`` and ``network.perceptual``; the speed of a machine is measured in ``rendering.bench``.
"""
