"""Motion of a scene: optical flow, the camera, cuts, and the mesh by which the canvas follows the scene.

NumPy and OpenCV; no networks. The convention of flow stands in ``flow``: from frame t to frame t - 1. How the canvas
looks is ``network.canvas``'s.
"""
