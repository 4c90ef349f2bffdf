"""Regions: the part of each frame that a style or a processor is limited to.

``kinds`` names them, ``protocol`` says what one is, ``mask`` makes soft and steady masks of what they find.
"""
