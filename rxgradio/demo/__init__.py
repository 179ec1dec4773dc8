"""What `rxgradio demo` shows: many jobs of a small local app, as one stream.

`scene` is the part to read: it makes the calls and merges what becomes of them.
Only the command imports this package; it alone needs Gradio, and rich.
"""

from __future__ import annotations

__all__: list[str] = []
