"""16. What a completion brings is checked: a list, of as many outputs as there are, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from rxgradio import AppError, Client, ProtocolError
from rxgradio.testing import Replace
from tests.rules.served import SOON, Served

ENDED = "process_completed"


@pytest.mark.parametrize(
    "data",
    [[], ["a", "b"], "a", None, {"0": "a"}, 5],
    ids=["none", "two", "text", "null", "object", "number"],
)
def test_rule_16_outputs_that_do_not_fit_are_an_error(served: Served, data: Any) -> None:
    content = {"msg": ENDED, "output": {"data": data}, "success": True}
    served.script("stream", Replace(content, of=ENDED), None)
    with Client(served.url) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, ProtocolError | AppError)
        assert client.submit("after", api_name="/echo").result(SOON) == "after"


@pytest.mark.parametrize(
    "output",
    [{"error": None}, {"error": "told so"}, {"error": {"a": 1}}, {"error": 5, "new": 1}, {}],
    ids=["null", "text", "object", "number", "empty"],
)
def test_rule_16_a_failure_is_an_error_of_the_app_whatever_its_text(
    served: Served, output: Any
) -> None:
    content = {"msg": ENDED, "output": output, "success": False}
    served.script("stream", Replace(content, of=ENDED), None)
    with Client(served.url) as client:
        error = client.submit("x", api_name="/echo").exception(SOON)
        assert isinstance(error, AppError | ProtocolError)
        if output.get("error") == "told so":
            assert "told so" in str(error)
