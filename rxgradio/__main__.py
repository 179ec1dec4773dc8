"""Lets `python -m rxgradio` be the `rxgradio` command."""

from __future__ import annotations

__all__: list[str] = []

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
