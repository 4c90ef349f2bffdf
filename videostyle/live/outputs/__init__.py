"""Where painted frames go: a recording, a network stream, a page, a virtual camera."""
