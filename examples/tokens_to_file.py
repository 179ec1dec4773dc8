"""Write the answer of a chat to a file while it comes, so that `tail -f answer.txt` shows it."""

import sys
from pathlib import Path

from reactivex import operators as ops

from rxgradio import Client
from rxgradio.operators import iterate

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
FILE = Path(sys.argv[2] if len(sys.argv) > 2 else "answer.txt")


def answer(client, question):
    """Return a stream of what is appended to the messages that answer a question."""
    deltas = client.observe(question, [], api_name="/chat").text_deltas(1)
    return deltas.pipe(ops.filter(lambda delta: delta.role == "assistant"))


def write(deltas, file):
    """Append what comes to a file, where it is seen at once; return how much that was."""
    text = ""
    try:
        # To leave the loop, by Ctrl-C too, cancels the call on the server.
        for delta in deltas.pipe(iterate()):
            text = text[: len(text) - delta.replaced] + delta.text
            if delta.replaced:  # the app has changed what it said
                file.seek(0)
                file.truncate()
                file.write(text)
            else:
                file.write(delta.text)
            file.flush()
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        file.write("\n")
    return len(text)


with Client(ADDRESS) as client, FILE.open("w", encoding="utf-8") as file:
    print(f"writing to {FILE}")
    length = write(answer(client, "What is a stream?"), file)
print(f"{FILE} has {length} characters")
