"""Steps of the frame chain, one in each module.

``protocol`` says what a step is, ``registry`` names those that there are, ``arrangement`` puts them in order, and
``chain`` passes frames through them. ``masked`` puts frames together by a mask, ``filters`` holds what several share.

A processor returns one frame for each frame that it gets. ``rendering.chain`` makes the chain of a render. Processors
decide what is computed; computations of the network belong in ``inference``.
"""
