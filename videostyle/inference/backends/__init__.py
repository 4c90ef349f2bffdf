"""What differs between Keras backends when frames are painted: a small module for each, all with the same functions.

Everything else is ``keras.ops`` and runs on any of them. ``protocol`` says what a module has; ``current`` finds the one
of the backend that Keras runs on, which is chosen before Keras is imported (``inference.startup``).
"""
