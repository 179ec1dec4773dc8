"""Send files, and get some back."""

import sys
import tempfile
from pathlib import Path

from rxgradio import Client, handle_file

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"

folder = Path(tempfile.mkdtemp())
note = folder / "note.txt"
note.write_text("quiet please", encoding="utf-8")

# Files of outputs are downloaded into a folder; the values are their paths.
client = Client(ADDRESS, download_files=folder / "downloads")
path, size = client.predict(document=handle_file(note), api_name="/shout")
print("downloaded:", Path(path).name, "with", size, "bytes:", Path(path).read_text("utf-8"))
print("into the folder:", Path(path).is_relative_to(folder.resolve()))

# Or left where they are: the values tell of them.
client = Client(ADDRESS, download_files=False)
shouted, size = client.predict(handle_file(str(note)), api_name="/shout")
print("left there:", shouted["orig_name"])
