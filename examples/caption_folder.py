"""Have each file of a folder captioned, with a bar; begun again, it goes on where it was."""

import json
import sys
import tempfile
from pathlib import Path

from reactivex import operators as ops

from rxgradio import Client, handle_file

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"


def caption(client, folder, *steps):
    """Caption what has no caption in the resume file, and write there what is done."""
    resume = folder / "captions.jsonl"
    resume.touch()
    known = {json.loads(line)["name"] for line in resume.read_text("utf-8").splitlines()}
    left = [path for path in sorted(folder.glob("*.txt")) if path.name not in known]
    print(f"{len(known)} of {len(known) + len(left)} have a caption")

    def take(result):
        name = left[result.index].name
        if result.error is None:
            text = Path(result.output).read_text("utf-8").strip()
            captions.write(json.dumps({"name": name, "caption": text}) + "\n")
            captions.flush()  # it counts even if the next one never comes
        else:
            print(f"\n{name}: {result.error}")
        far = result.progress
        bar = "#" * (20 * far.done // far.total)
        print(f"\r[{bar:20}] {far.done}/{far.total}, {far.failed} failed", end="", flush=True)

    with resume.open("a", encoding="utf-8") as captions:
        # /number is in the place of an app that looks at pictures.
        results = client.endpoint("/number", deadline=60).map(
            [handle_file(path) for path in left], max_concurrent=4
        )
        results.pipe(*steps, ops.do_action(take), ops.count()).run()
    print()


with Client(ADDRESS) as client, tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for n in range(12):
        (folder / f"picture {n:02}.txt").write_text(f"a cat, {n} times", "utf-8")
    caption(client, folder, ops.take(5))  # as if it had been interrupted
    caption(client, folder)
    last = json.loads((folder / "captions.jsonl").read_text("utf-8").splitlines()[-1])
    print(f"{last['name']}: {last['caption']}")
