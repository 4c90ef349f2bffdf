"""The command line: one thin module for each verb, with ``configure(parser)`` and ``run(options)``.

Here belongs what reads options, shows progress, prints results and turns errors into one line and an exit code. What
a verb does is done below; nothing below prints. ``--help`` must come at once, so modules import TensorFlow, NumPy and
the like inside ``run`` only.
"""
