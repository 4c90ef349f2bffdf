"""Motion of a scene: optical flow, camera, cuts."""
