"""Draws the pictures of docs/marbles.md: `python -m docs.marbles [NAME ...]`.

It starts `app.py` on 127.0.0.1, runs the code of the chapter, and draws what its streams
have said. The app needs a Python that has Gradio: this one, or that of `--python`.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import sys
from pathlib import Path

from .chapter import CHAPTER, HERE, draw, plates, serving


def main(arguments: list[str] | None = None) -> int:
    """Draw all pictures, or those named."""
    parser = argparse.ArgumentParser(prog="python -m docs.marbles", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a picture; by default all")
    parser.add_argument("--python", default=sys.executable, help="one that has Gradio")
    parser.add_argument("--to", type=Path, default=HERE, help="a folder for the pictures")
    given = parser.parse_args(arguments)
    known = {plate.name for plate in plates(CHAPTER.read_text("utf-8"))}
    if unknown := set(given.names) - known:
        parser.error(f"no picture is called {', '.join(sorted(unknown))}")
    with serving(given.python) as url:
        for path in draw(url, given.to, given.names):
            sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
