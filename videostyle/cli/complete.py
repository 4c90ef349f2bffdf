"""``videostyle complete``: prints what lets a shell complete verbs, options, their values and names of styles."""

from __future__ import annotations

import argparse

from videostyle.cli.parser import VERBS, parser_of

SCRIPTS = {
    "bash": """_videostyle() {
  local IFS=$'\\n'
  local found="$(videostyle complete words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$found" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _videostyle videostyle
""",
    "zsh": """_videostyle() {
  local -a found
  found=("${(@f)$(videostyle complete words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _videostyle videostyle
""",
    "fish": "complete -c videostyle -a "
    "'(videostyle complete words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n",
}
STYLES = ("style", "styles", "start")  # options that take styles


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "shell",
        choices=[*SCRIPTS, "words"],
        metavar="SHELL",
        help="bash, zsh or fish: print the script that its start-up file should read ('videostyle help first-steps'); "
        "words: print what the last of the words that follow can become",
    )
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD", help="with words: the command line so far")


def run(options: argparse.Namespace) -> int:
    """Prints the script of a shell, or candidates."""
    if options.shell in SCRIPTS:
        print(SCRIPTS[options.shell], end="")
        return 0
    print("\n".join(candidates(options.words)))
    return 0


def candidates(words: list[str]) -> list[str]:
    """Completions of the last word; [] where only a file name is possible.

    Args:
        words: those behind ``videostyle``, the last of them unfinished and perhaps empty.
    """
    *before, last = words or [""]
    verb = next((word for word in before if not word.startswith("-")), None)
    if verb is None:
        found = [*VERBS, "--help", "--version"]
    elif verb not in VERBS:
        found = []
    else:
        found = _of_verb(parser_of(verb), verb, before, last)
    return [word for word in found if word.startswith(last)]


def _of_verb(parser: argparse.ArgumentParser, verb: str, before: list[str], last: str) -> list[str]:
    options = {name: action for action in parser._actions for name in action.option_strings}
    named = options.get(before[-1]) if before[-1] != verb else None
    if named is not None and named.nargs != 0:
        if named.choices:
            return [str(choice) for choice in named.choices]
        return _values(named.dest)
    if last.startswith("-"):
        return [name for name in options if name.startswith("--")]
    if verb in ("styles", "processors"):
        actions = list(next(action for action in parser._actions if action.dest == "action").choices or ())
        return _values(verb) if any(word in actions for word in before) else actions
    if verb == "help":
        from videostyle.cli.help import topics

        return list(topics())
    return _values("style") if verb == "export" else []


def _values(setting: str) -> list[str]:
    """The values that are known of a setting without choices."""
    if setting in STYLES:
        from videostyle.styles import gallery

        return [entry.name for entry in gallery.entries()]
    if setting == "codec":
        from videostyle.media.ffmpeg.codecs import CODECS, SEQUENCE

        return [*CODECS, SEQUENCE]
    if setting == "processors":
        from videostyle.processors.registry import offers

        return list(offers())
    if setting == "regions":
        from videostyle.processors.regions.kinds import KINDS

        return list(KINDS)
    if setting == "compare":
        from videostyle.processors.compare import MODES

        return list(MODES)
    return []
