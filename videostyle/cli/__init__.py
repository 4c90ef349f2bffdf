"""The command line: one thin module for each verb, with ``configure(parser)`` and ``run(options)``.

Reading options, showing progress, printing results, and turning errors into one line and an exit code belong here. The
work itself is done in the other folders, which print nothing. ``--help`` must be fast, so modules import TensorFlow,
NumPy and the like inside ``run`` only.
"""
