"""13. An error says what happened, in a type of its own, and a cancel is only the user's."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from rxgradio import Client, RxGradioError
from tests.rules.endings import ENDINGS
from tests.rules.served import SOON, Served


@pytest.mark.parametrize("name", ENDINGS)
def test_rule_13_every_end_but_a_cancel_is_an_error_of_the_one_tree(
    served: Served, name: str
) -> None:
    ending = ENDINGS[name]
    with Client(served.url) as client:
        job = ending.begin(served, client, "x")
        ending.cause(served, client, job, "x")
        try:
            error = job.exception(SOON)
        except CancelledError:
            assert ending.named(served) == "cancelled"
        else:
            assert error is None or isinstance(error, RxGradioError)
            assert ending.named(served) != "cancelled"
            assert error is None or str(error)
        served.open_gate("x")
