"""Files and streams, in and out: probing, reading, encoding, muxing, locks, whole writes.

Frames leave as ``FrameBatch`` and come back as such. Nothing here knows of styles, and nothing imports TensorFlow.
Only ``ffmpeg.process`` starts ffmpeg, only ``opencv`` imports OpenCV; ``inputs`` looks at a file before any library
does.
"""
