"""Pools of workers that paint the chunks of a render. ``protocol`` defines a pool, each other module is one.

The ``scheduler`` decides which chunk comes next, and what happens when one fails.
"""
