"""The pictures of docs/marbles.md, drawn from what the streams of a real run have said.

Run `python -m docs.marbles` in a clone to draw them anew.
"""

__all__: list[str] = []
