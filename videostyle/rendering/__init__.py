"""Painting files: from an input and a style to a finished output, in one pass or in chunks, here or on many machines.

An input passes through six modules on its way to a painted file, each once and in this order:

1. ``render.render`` probes the input once (``media.readers.open.look_at``) and passes the result to all others.
2. ``outputs.open_outputs`` opens and locks the file to write, finds or trains the style, and loads the network.
3. ``planning.plan_outputs`` finds the plan of an interrupted render, or reads the input once to make one: shots with
   their statistics, the canvas mesh and the time of each frame, and the borders of chunks. It saves the plan.
4. ``chunks.paint_missing`` paints the chunks that are not finished, in this process.
5. ``pipeline.run_all`` moves their frames: one thread reads, the calling thread runs the processors, and one thread
   encodes each output.
6. ``assembly.assemble`` joins the chunks, adds sound, checks the file and gives it its name.

With several workers ``scheduler.Scheduler`` replaces step 4: it gives chunks to a pool (``workers``), whose processes
run ``chunks.paint_in_folders``. A still, a clip of one chunk, and formats that cannot be joined from chunks (GIF, WebP)
go from step 3 to step 5; the writer then finishes the file.

The other modules: ``settings`` (what a user may choose), ``chain`` (the processors of a render), ``naming`` (names of
outputs), ``plan`` (contents of a plan, and the rule for chunk borders), ``shots`` and ``canvas`` (how a plan is made),
``job_store`` and ``chunk_store`` (plan and chunks on disk), ``chunk_writers``, ``processor_cache``, ``iterate`` (frames
for other programs), ``job_file``, ``batch_tasks`` and ``batch`` (many clips), ``bench`` (speed of each stage).

Not here: files and formats (``media``), steps of the frame chain (``processors``), live painting (``live``).
"""
