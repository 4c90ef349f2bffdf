"""The style network with its canvas and its statistics, and the loss networks with the losses on their features.

Pure functions on arrays and tensors, on any Keras backend. Only weights of loss networks are read from files here.
Style files belong in ``styles``, compiled programs in ``inference``, losses that only training needs in ``training``.
"""
