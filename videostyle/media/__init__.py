"""Files and streams, in and out: probing, reading, encoding, muxing, locks, atomic writes.

Readers deliver frames as ``FrameBatch``, and writers take them as such. Nothing here knows about styles or imports
TensorFlow. Only ``ffmpeg.process`` starts ffmpeg, and only ``opencv`` imports OpenCV. ``inputs`` checks a file before
any library opens it.
"""
