"""The style network, loss networks, style files and the gallery. Keras only."""
