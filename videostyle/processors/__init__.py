"""Steps of the frame chain: the protocol, and one file for each processor."""
