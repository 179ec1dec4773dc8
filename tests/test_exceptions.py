"""The tree of errors: which is which, and what each carries."""

from __future__ import annotations

import concurrent.futures
import copy
import inspect
import pickle
import re

import pytest

from rxgradio import exceptions
from rxgradio.exceptions import (
    AppError,
    AuthenticationError,
    BulkheadFull,
    CircuitOpen,
    ClientClosed,
    ConnectionLost,
    ConsumerTooSlow,
    DeadlineExceeded,
    InvalidAPIEndpointError,
    ProtocolError,
    QueueError,
    QueueFull,
    QuotaExceeded,
    RxGradioError,
    SerializationSetupError,
    ServerStopped,
    SpaceDuplicationError,
    SpaceError,
    TooManyRequestsError,
    ValidationError,
)

PARENTS: dict[type[Exception], tuple[type, ...]] = {
    RxGradioError: (Exception,),
    AppError: (RxGradioError, ValueError),
    ValidationError: (RxGradioError, ValueError),
    AuthenticationError: (RxGradioError, ValueError),
    InvalidAPIEndpointError: (RxGradioError, ValueError),
    QueueError: (RxGradioError,),
    QueueFull: (QueueError,),
    TooManyRequestsError: (RxGradioError,),
    QuotaExceeded: (TooManyRequestsError, AppError),
    DeadlineExceeded: (RxGradioError,),
    ProtocolError: (RxGradioError, ValueError),
    ConnectionLost: (RxGradioError, ConnectionError),
    ServerStopped: (ConnectionLost,),
    ClientClosed: (RxGradioError,),
    CircuitOpen: (RxGradioError,),
    BulkheadFull: (RxGradioError,),
    ConsumerTooSlow: (RxGradioError,),
    SpaceDuplicationError: (RxGradioError,),
    SpaceError: (RxGradioError, ValueError),
    SerializationSetupError: (RxGradioError, ValueError),
}
EXAMPLES: list[RxGradioError] = [
    RxGradioError("no"),
    AppError("no"),
    AppError("no", title="Oh", duration=5),
    ValidationError("no", fields=[{"message": "too long"}]),
    AuthenticationError("no"),
    InvalidAPIEndpointError("no"),
    ConsumerTooSlow("no"),
    CircuitOpen("no", retry_after=1.5),
    BulkheadFull("no"),
    QueueError("no"),
    QueueFull("no"),
    TooManyRequestsError("no", retry_after=1.5),
    QuotaExceeded("no", title="Oh", retry_after=1.5),
    DeadlineExceeded("no", deadline=2.5),
    ProtocolError("no", status=502),
    ConnectionLost("no", sent=False),
    ServerStopped("no"),
    ClientClosed("no"),
    SpaceDuplicationError("no"),
    SpaceError("no", stage="PAUSED"),
    SerializationSetupError("no"),
]


@pytest.mark.parametrize(
    ("error", "parents"), PARENTS.items(), ids=[error.__name__ for error in PARENTS]
)
def test_each_error_is_a_kind_of_its_parents(
    error: type[Exception], parents: tuple[type, ...]
) -> None:
    assert error.__bases__ == parents


def test_the_tree_is_all_there_is() -> None:
    defined = {
        each
        for _, each in inspect.getmembers(exceptions, inspect.isclass)
        if each.__module__ == exceptions.__name__
    }

    assert defined == set(PARENTS)
    assert {each.__name__ for each in defined} == set(exceptions.__all__)


def test_the_tree_in_the_documentation_is_the_tree() -> None:
    assert exceptions.__doc__ is not None
    drawn = re.findall(
        r"^ {4}([\u2502\u251c\u2514\u2500 ]*)(\w+)", exceptions.__doc__, re.MULTILINE
    )
    branch, tree = list[str](), dict[str, str | None]()
    for lines, name in drawn:
        if not hasattr(exceptions, name):
            continue  # a remark about the line above
        depth = len(lines) // 4
        branch[depth:] = [name]
        tree[name] = branch[depth - 1] if depth else None

    assert tree == {
        error.__name__: None if error is RxGradioError else parents[0].__name__
        for error, parents in PARENTS.items()
    }


@pytest.mark.parametrize("kind", [AppError, TooManyRequestsError, ValidationError])
def test_those_that_scripts_raise_themselves_need_no_message(kind: type[Exception]) -> None:
    assert str(kind())


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_one_clause_catches_every_error(error: RxGradioError) -> None:
    with pytest.raises(RxGradioError, match=r"^no$"):
        raise error


@pytest.mark.parametrize("error", PARENTS)
def test_no_error_is_a_cancel_or_a_timeout(error: type[Exception]) -> None:
    assert not issubclass(error, (concurrent.futures.CancelledError, TimeoutError))


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_errors_can_be_copied_and_pickled(error: RxGradioError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert twin.args == error.args
        assert vars(twin) == vars(error)


@pytest.mark.parametrize("error", PARENTS)
def test_every_error_says_what_it_is_for(error: type[Exception]) -> None:
    assert error.__doc__


# What each carries


def test_the_error_of_an_app_carries_its_message_and_how_to_show_it() -> None:
    error = AppError("too long", title="Oh", duration=5)

    assert (error.message, error.title, error.duration) == ("too long", "Oh", 5)
    assert str(error) == "too long"


def test_the_error_of_an_app_need_not_say_how_to_show_it() -> None:
    error = AppError("too long")

    assert error.title is None
    assert error.duration is None


def test_refused_arguments_carry_what_was_said_of_each() -> None:
    assert ValidationError("no", fields=["too long"]).fields == ["too long"]
    assert ValidationError("no").fields is None


def test_too_many_requests_carries_how_long_to_wait() -> None:
    assert TooManyRequestsError("no", retry_after=1.5).retry_after == 1.5
    assert TooManyRequestsError("no").retry_after is None


def test_a_protocol_error_carries_the_status_of_the_response() -> None:
    assert ProtocolError("no", status=502).status == 502
    assert ProtocolError("no").status is None


@pytest.mark.parametrize("error", [ConnectionLost, ServerStopped])
def test_a_lost_connection_carries_whether_anything_was_sent(error: type[ConnectionLost]) -> None:
    assert error("no").sent
    assert not error("no", sent=False).sent


@pytest.mark.parametrize("error", [AppError, ValidationError, AuthenticationError])
def test_code_that_catches_the_value_errors_of_gradio_s_own_client_still_does(
    error: type[Exception],
) -> None:
    with pytest.raises(ValueError, match="no"):
        raise error("no")


def test_code_that_catches_connection_errors_catches_a_lost_connection() -> None:
    with pytest.raises(ConnectionError, match="no"):
        raise ServerStopped("no")


def test_an_error_has_the_outputs_of_its_call_and_takes_them_along() -> None:
    error = ConnectionLost("gone")
    assert error.outputs == []

    error._outputs = lambda: ["a", "b"]
    assert error.outputs == ["a", "b"]
    assert pickle.loads(pickle.dumps(error)).outputs == ["a", "b"]
