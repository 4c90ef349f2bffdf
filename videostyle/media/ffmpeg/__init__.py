"""ffmpeg: the codecs that it is asked for, the arguments it is given, and how it is run."""
