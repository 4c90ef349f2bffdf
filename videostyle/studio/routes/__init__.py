"""What the studio's server answers, by subject; each module has ``endpoints(studio)``."""
