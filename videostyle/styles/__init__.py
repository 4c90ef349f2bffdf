"""Styles: cards and weights, their files, interpolation between them, the gallery, and STYLE arguments.

``resolve`` uses ``gallery``, which uses ``style_file`` and ``interpolation``, which use ``card``; never the other way.
The network that the weights belong to is in ``network``; ``training`` makes new styles.
"""
