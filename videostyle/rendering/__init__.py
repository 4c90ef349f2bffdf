"""Painting files: from an input and a style to a finished output, in one pass or in chunks, here or on many machines.

The steps of a render, in the order in which they happen:

1.  ``cli.render`` reads the options into ``settings.RenderSettings`` and calls ``render.render``.
2.  ``clip.Clip`` opens the input once (``media.readers.open``) and, for each output, what ``outputs.open_output``
    opens: the writer, which locks the name (``media.writers.open``), the style (``training.session.resolve``; a
    picture is trained on first) and the style processor (``processor_cache.make_stylize``).
3.  It looks for a plan of an interrupted render (``resume``), or makes one in a pass over the clip
    (``plan.make_plans``): ``shots`` finds cuts and measures statistics, ``plan.CanvasFollower`` carries the canvas
    along, and ``plan.chunk_borders`` says where chunks begin. ``job_store`` writes the plan beside the output.
4.  A clip of one chunk, a still, GIF and WebP are painted in one pass (``Clip.paint_in_one_pass``). Of all others
    ``chunked_clip.ChunkedClip`` knows which chunks are missing, ``chunks.paint_chunks`` paints runs of them, and
    ``chunk_store`` records each.
5.  Either way ``pipeline.run_all`` moves batches from the reader through the processors (``processors.style``) into the
    writer, each of the three in a thread of its own.
6.  The writer finishes (``media.writers.video``; ``ChunkedClip.finish`` hands it the chunks): it muxes the encoded
    picture with the original's sound, counts the frames and gives the file its name.

With several workers ``scheduler`` hands the missing chunks to ``workers``, which call ``chunks.paint_in_folders``.
``batch`` does all this for many clips, ``iterate`` gives frames to another program instead of writing them.

What belongs elsewhere: formats and files (``media``), what a frame goes through (``processors``), live (``live``).
"""
