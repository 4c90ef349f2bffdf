"""``python -m videostyle``."""

from videostyle.cli.main import entry

if __name__ == "__main__":
    entry()
