"""Making a style from a painting: pairs of frames, losses, the training loop. Keras and NumPy, on any backend.

A training passes through these modules, in this order:

1.  ``cli.train`` reads the options.
2.  ``content`` reads photos and clips into memory (``read_content``).
3.  ``session`` prepares everything (``train``): the loss networks (``network.loss_network``), the pairs of neighbouring
    frames (``pairs``, with ``simulated_camera``), the style to start from (``starts``).
4.  ``trainer`` runs the steps (``train_style``). ``objective`` makes a step with Muon, ``checkpoint`` keeps the state.
    Where pairs come from ``device``, they are made on the accelerator, and many steps are one call.
5.  ``style_objective`` says what a step lowers: ``targets_of`` measures the painting once, then the losses of
    ``losses`` and ``network.perceptual`` are computed on each batch.
6.  ``styles.style_file`` writes the finished style, called by ``cli.train``.

``session.resolve_or_train`` turns a STYLE argument into a style, and trains where it names a picture. Painting with
finished weights belongs in ``inference``.
"""
