"""Making a style from a painting: pairs of frames, losses, the training loop. Keras and NumPy, on any backend.

A training passes through six modules, each once and in this order:

1.  ``cli.train.run`` reads the options.
2.  ``content.read_content`` reads photos and clips into memory.
3.  ``session.train`` prepares everything: the loss networks (``network.loss_network``), the pairs of neighbouring
    frames (``pairs``, with ``simulated_camera``), the style to start from (``starts``).
4.  ``trainer.train_style`` runs the steps. ``objective`` makes a step with Muon, ``checkpoint`` keeps the state. Where
    pairs come from ``device``, they are made on the accelerator, and many steps are one call.
5.  ``style_objective.style_objective`` makes the function that a step lowers: the losses of ``losses`` and
    ``network.perceptual`` on a batch, with what ``targets_of`` measured on the painting. (``starts`` measures it as
    well, to find the nearest style.)
6.  ``styles.style_file.save_style`` writes the finished style, called by ``cli.train``.

``session.resolve_or_train`` turns a STYLE argument into a style, and trains where it names a picture. Painting with
finished weights belongs in ``inference``.
"""
