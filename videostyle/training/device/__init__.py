"""Training on an accelerator: pairs are made on the device, and many steps are one call.

On the host, pairs are made by OpenCV and NumPy (``training.pairs``), one batch a step: enough for processors, and a
part of what a GPU could learn from in that time. Here pictures lie on the device, and everything else is ``keras.ops``:

-   ``draws``: the random numbers of a step.
-   ``camera``, ``canvas``: what ``training.simulated_camera`` and ``training.pairs.canvases`` do, for a whole batch.
-   ``pairs``: ``DevicePairs``, the batches of ``training.pairs.PairSampler``.
-   ``loop``: ``DeviceLoop``, many steps of a ``training.objective.Objective`` in one call; one module for each backend
    (``jax_steps``, ``tensorflow_steps``, ``torch_steps``) compiles them.

So pairs are written twice: with NumPy and OpenCV for the host, where they are quickest and shapes may differ from pair
to pair, and here with ``keras.ops`` on fixed shapes, as one compiled program needs them.
``tests/training/test_device_pairs.py`` holds both to the same blur, compression, canvas, flow, mask and statistics.
"""
