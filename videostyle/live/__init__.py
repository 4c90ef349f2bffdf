"""Live painting: capture, newest-frame loop, pace, scene statistics, window and outputs."""
