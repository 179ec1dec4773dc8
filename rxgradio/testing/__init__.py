"""Servers that have accidents, for tests of what uses rxgradio, or of any client of Gradio.

    from rxgradio.testing import FaultServer, Reset

    def write(text):
        for word in text.split():
            yield word

    with FaultServer({"/write": write}, version="4.44.1") as server:
        server.script("stream", Reset(after=1, of="process_generating"))
        ...

Everything is on 127.0.0.1, nothing happens by chance or after a time of its own, but
for heartbeats, and nothing is left when the context is. `rxgradio` itself imports
nothing of this.
"""

from __future__ import annotations

__all__ = [
    "Bandwidth",
    "Call",
    "Close",
    "Complete",
    "Duplicate",
    "Endpoint",
    "FaultProxy",
    "FaultServer",
    "Full",
    "Gate",
    "HalfClose",
    "Hang",
    "Insert",
    "Joined",
    "Latency",
    "LimitData",
    "Marbles",
    "MemoryApp",
    "Mute",
    "NotRecorded",
    "Peer",
    "Play",
    "Refuse",
    "Replace",
    "Request",
    "Reset",
    "Restart",
    "Rewrite",
    "Script",
    "SlowAnswers",
    "Stop",
    "Toxic",
    "Trickle",
    "VirtualTime",
    "Wire",
    "answer",
    "chunk",
    "huge",
    "message",
    "nested",
    "record",
    "replay",
    "stream_head",
    "unknown",
]

from .app import Call, MemoryApp
from .cassette import NotRecorded
from .content import answer, chunk, huge, message, nested, stream_head, unknown
from .faults import (
    Close,
    Complete,
    Duplicate,
    Full,
    HalfClose,
    Hang,
    Insert,
    Latency,
    Mute,
    Play,
    Refuse,
    Replace,
    Reset,
    Restart,
    Rewrite,
    Stop,
    Toxic,
    Trickle,
)
from .functions import Endpoint
from .marbles import Marbles
from .peer import Gate, Peer, Request
from .proxy import Bandwidth, FaultProxy, LimitData, SlowAnswers
from .recording import record
from .replay import replay
from .server import FaultServer, Joined, Script
from .virtual import VirtualTime
from .websocket import Wire
