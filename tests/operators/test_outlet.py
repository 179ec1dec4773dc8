"""The signals of several threads, one at a time."""

from __future__ import annotations

import pytest

from rxgradio.operators.outlet import Outlet
from tests.contract.app import Seen


def never() -> None:
    pytest.fail("nobody has raised")


def test_values_come_in_order_and_before_the_end() -> None:
    seen = Seen()
    outlet: Outlet[int] = Outlet(seen)  # type: ignore[arg-type] # it has what is called of an observer
    with outlet.lock:
        outlet.put(1)
        outlet.put(2)
        outlet.end()
        outlet.put(3)
        outlet.end(ValueError("too late"))
    assert seen.values == []
    outlet.drain(never)
    outlet.drain(never)
    assert (seen.values, seen.completed, seen.error) == ([1, 2], True, None)


def test_an_error_comes_behind_the_values() -> None:
    seen = Seen()
    outlet: Outlet[int] = Outlet(seen)  # type: ignore[arg-type] # as above
    error = ValueError("no")
    with outlet.lock:
        outlet.put(1)
        outlet.end(error)
    outlet.drain(never)
    assert (seen.values, seen.completed, seen.error) == ([1], False, error)


def test_nothing_comes_after_disposing() -> None:
    seen = Seen()
    outlet: Outlet[int] = Outlet(seen)  # type: ignore[arg-type] # as above
    with outlet.lock:
        outlet.put(1)
        outlet.dispose()
        outlet.put(2)
        outlet.end()
    outlet.drain(never)
    assert (seen.values, seen.completed, seen.error) == ([], False, None)


def test_what_is_put_meanwhile_comes_next() -> None:
    got: list[int] = []

    class Again(Seen):
        def on_next(self, value: int) -> None:
            if value < 3:
                with outlet.lock:
                    outlet.put(value + 1)
                outlet.drain(never)  # which is at work already
            got.append(value)

    outlet: Outlet[int] = Outlet(Again())  # type: ignore[arg-type] # as above
    with outlet.lock:
        outlet.put(0)
    outlet.drain(never)
    assert got == [0, 1, 2, 3]


@pytest.mark.parametrize("at", ["on_next", "on_completed"])
def test_an_observer_that_raises_has_cancelled(at: str) -> None:
    def fails(_: object = None) -> None:
        raise KeyError(at)

    seen = Seen()
    setattr(seen, at, fails)
    outlet: Outlet[int] = Outlet(seen)  # type: ignore[arg-type] # as above
    cancelled: list[str] = []
    with outlet.lock:
        outlet.put(1)
        outlet.end()
    with pytest.raises(KeyError):
        outlet.drain(lambda: cancelled.append(at))
    assert cancelled == [at]
    outlet.drain(never)  # nobody is called any more
