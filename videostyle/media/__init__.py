"""Files in and out: probing, reading, writing, ffmpeg. Never imports TensorFlow."""
