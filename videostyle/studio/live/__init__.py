"""Live painting in the studio: the camera of the machine, that of the browser, or a clip that plays."""
