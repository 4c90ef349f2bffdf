"""Steps of the frame chain: ``protocol`` defines what a step does, each other module is one step.

A processor returns one frame for each frame that it gets. ``rendering.processor_cache.processors_of`` makes the chain
of a render. Processors decide what is computed; computations themselves belong in ``inference``.
"""
