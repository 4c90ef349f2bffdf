"""The style network and what is computed with it: canvas, statistics of shots; loss networks and what they compare.

Pure functions on arrays and tensors, on any Keras backend; files are read for loss networks only. Style files belong
into ``styles``, compiled programs into ``inference``, losses that are trained with, and nothing else, into
``training``.
"""
