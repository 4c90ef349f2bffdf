"""Worker pools: who paints the chunks of a render. ``protocol`` says what a pool must do, each other module is one.

Which chunk comes next, and what happens to one that fails, the ``scheduler`` decides.
"""
