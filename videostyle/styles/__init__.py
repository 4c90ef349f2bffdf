"""Styles: cards and weights, their files, interpolation between them, the gallery, and STYLE arguments.

``card`` <- ``style_file``, ``interpolation`` <- ``gallery`` <- ``resolve``: each module imports only those to its left.
The network that the weights are for is in ``network``; ``training`` makes new styles.
"""
