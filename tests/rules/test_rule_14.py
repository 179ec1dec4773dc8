"""14. The event stream is read as the HTML standard has it, however it is cut.

The grammar is shown in `tests/protocol/test_sse.py`, and on recordings in `test_fuzz.py`.
"""

from __future__ import annotations

import pytest

from rxgradio import Client
from rxgradio.testing import Trickle
from tests.rules.served import SOON, Served


@pytest.mark.parametrize("size", [1, 7])
def test_rule_14_a_stream_in_small_pieces_is_the_same(served: Served, size: int) -> None:
    served.script("stream", Trickle(size), None)
    with Client(served.url) as client:
        job = client.submit(3, api_name="/words")
        assert job.result(SOON) == "www"
        assert job.outputs() == ["w", "ww", "www"]
