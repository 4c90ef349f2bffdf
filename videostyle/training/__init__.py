"""Making a style from a painting: pairs of frames, losses, the trainer. Keras and NumPy, on any backend.

The steps of a training, in the order in which they happen:

1.  ``cli.train`` reads the options; ``content.read_content`` reads photos and clips into memory.
2.  ``session.train`` prepares: the loss network (``network.loss_network``), pairs of neighbouring frames
    (``pairs.PairSampler``), the style to begin with (``starts.nearest_start``).
3.  ``trainer.train_style`` runs the steps: ``style_objective`` says what is lowered (``targets_of`` once for the
    painting, then the losses of ``losses`` and ``network.perceptual`` on each batch), ``objective.Objective`` lowers
    it with Muon, ``checkpoint`` keeps the state.
4.  ``cli.train`` writes the style (``styles.style_file.save_style``).

``session.resolve_or_train`` is the way from a STYLE argument to a style: it trains where that names a picture. What is
computed with finished weights belongs in ``inference``.
"""
