"""Training on an accelerator: pairs are made on the device, and many steps are one call.

On the host, pairs are made by OpenCV and NumPy (``training.pairs``), one batch a step: enough for processors, and a
part of what a GPU could learn from in that time. Here pictures lie on the device, and everything else is ``keras.ops``:

-   ``draws``: the random numbers of a step.
-   ``camera``, ``canvas``: what ``training.simulated_camera`` and ``training.pairs.canvases`` do, for a whole batch.
-   ``pairs``: ``DevicePairs``, the batches of ``training.pairs.PairSampler``.
-   ``loop``: ``DeviceLoop``, many steps of a ``training.objective.Objective`` in one call; one module for each backend
    (``jax_steps``, ``tensorflow_steps``, ``torch_steps``) compiles them.
"""
