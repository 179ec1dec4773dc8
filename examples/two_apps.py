"""Pass what one app makes on to another: a text while it grows, and a file."""

import sys
import tempfile
from pathlib import Path

from reactivex import operators as ops

from rxgradio import Client, handle_file

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
OTHER = sys.argv[2] if len(sys.argv) > 2 else ADDRESS  # if there is one app only, it is both

with Client(ADDRESS) as writer, Client(OTHER) as reader:
    # Each text goes on as soon as it is there; if the next one comes before the reader is done
    # with it, that call is cancelled.
    texts = writer.observe("was it a car or a cat", 7, 1.0, api_name="/write").outputs()
    answers = texts.pipe(reader.endpoint("/reverse").latest()).outputs()
    answers.pipe(ops.do_action(print)).run()

    # A file stays with the app that made it until the other one gets it.
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "lines.txt")
        lines.write_text("a car\na cat", "utf-8")
        numbered = writer.endpoint("/number", download="lazy").predict(handle_file(lines))
    print(f"{numbered.name} is still with {numbered.app}")
    twice = reader.predict(numbered, api_name="/number")
    print(Path(twice).read_text("utf-8"))
