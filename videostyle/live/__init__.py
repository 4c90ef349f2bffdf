"""Live painting: not there yet."""
