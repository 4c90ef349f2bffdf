"""Painting files: from an input and a style to a finished output, in one pass or in chunks, here or on many machines.

An input passes through six modules on its way to a painted file, each once and in this order:

1. ``render.render`` looks at the input once (``media.readers.open.look_at``) and hands what it found to all others.
2. ``outputs.open_outputs`` opens and locks the file to write, finds or trains the style, loads the network.
3. ``planning.plan_outputs`` finds the plan of an interrupted render, or reads the input once to make one: shots, the
   style's statistics along them, where the canvas lies, when each frame is shown, where chunks begin. It is saved.
4. ``chunks.paint_missing`` paints the chunks that are not finished, in this process.
5. ``pipeline.run_all`` moves their frames: a reader's thread, the processors, a thread for each encoder.
6. ``assembly.assemble`` joins the chunks, adds sound, checks the file and gives it its name.

With several workers ``scheduler.Scheduler`` takes the place of 4: it hands chunks to a pool (``workers``), whose
processes run ``chunks.paint_in_folders``. A still, a clip of one chunk, and what cannot be joined of chunks (GIF, WebP)
goes from 3 to 5 at once; its writer then finishes the file itself.

Beside that path: ``settings`` (what a user may ask for), ``naming`` (names of outputs), ``plan`` (what a plan holds,
and the rule of chunks), ``shots`` and ``canvas`` (how it is made), ``job_store`` and ``chunk_store`` (how plan and
chunks lie on the disk), ``chunk_writers``, ``processor_cache``, ``iterate`` (frames for other programs), ``job_file``,
``batch_tasks`` and ``batch`` (many clips), ``bench`` (how fast each stage is).

What belongs elsewhere: formats and files (``media``), what a frame goes through (``processors``), live (``live``).
"""
