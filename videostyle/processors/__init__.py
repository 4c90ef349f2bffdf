"""Steps of the frame chain: ``protocol`` says what a step must do, each other module is one step.

A processor gives one frame for each that it is given. ``rendering.processor_cache.processors_of`` puts the chain of a
render together. What a step computes belongs below: ``style`` decides, ``inference`` computes.
"""
