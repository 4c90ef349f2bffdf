"""A Chromium on this machine, for the tests of the pages."""

from __future__ import annotations

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
REASON = "no Chromium on this machine (Debian: apt-get install chromium-headless-shell)"
