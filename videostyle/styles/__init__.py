"""Styles: their files and cards, mixes and strengths, and the gallery in which they are found by name.

The network that their weights are for is ``network.style_network``; how they come about is ``training``'s.
"""
