"""The machine of a call that is its own connection, and the turns that such calls take."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from rxgradio.exceptions import AppError, ClientClosed, ConnectionLost, ProtocolError, QueueFull
from rxgradio.protocol import commands as do
from rxgradio.protocol import messages as wire
from rxgradio.protocol.dialects import dialect_of
from rxgradio.protocol.event import Event, Values
from rxgradio.protocol.exchange import Exchange, Turns
from rxgradio.updates import CancelOutcome, Status, StatusUpdate

AT = datetime(2026, 1, 1)
WEBSOCKET = dialect_of(None, "3.50.2")
CONNECTION = dialect_of("sse", "4.8.0")
BOTH = pytest.mark.parametrize("dialect", [WEBSOCKET, CONNECTION], ids=["websocket", "connection"])

HASH = wire.SendHash(None)
WAITING = wire.Estimation(None, 0, 1, None)
DATA = wire.SendData("e1")
STARTED = wire.Started(None, None)
DONE = wire.Completed(None, ["x"], None, None, None)


def call_of(dialect: Any, *, generator: bool = False, ordered: bool = False, fn_index: int = 0):
    event = Event(dialect, 1, AT)
    return do.Call("me", fn_index, b"[]", event, generator, ordered)


def exchange_of(dialect: Any, **options: Any) -> Exchange[str]:
    exchange = Exchange(call_of(dialect, **options), dialect)
    exchange.start()
    return exchange


def finish(commands: list[Any]) -> do.Finish[str]:
    [found] = [each for each in commands if isinstance(each, do.Finish)]
    return found


def outcomes(commands: list[Any]) -> list[CancelOutcome]:
    return [each.outcome for each in commands if isinstance(each, do.TellCancel)]


@BOTH
def test_a_call_connects_answers_what_it_is_asked_and_hangs_up(dialect: Any) -> None:
    exchange = Exchange(call_of(dialect), dialect)
    assert exchange.start()[0] == do.Connect()
    assert exchange.received([HASH], AT) == [do.GiveHash()]
    [publish] = exchange.received([WAITING], AT)
    assert isinstance(publish, do.Publish)
    give, published = exchange.received([DATA], AT)
    assert give == do.GiveData()
    assert exchange.call.event_id == "e1"
    assert isinstance(published, do.Publish)
    exchange.received([STARTED], AT)
    end, hang_up = exchange.received([DONE], AT)
    assert isinstance(end, do.Finish)
    assert hang_up == do.HangUp()
    assert end.error is None
    assert [type(entry) for entry in end.entries] == [Values, StatusUpdate]
    assert exchange.ended(None, AT) == []


def test_servers_before_3_6_do_not_ask_for_the_hash() -> None:
    exchange = exchange_of(WEBSOCKET)
    assert do.GiveData() in exchange.received([WAITING, wire.SendData(None)], AT)
    assert finish(exchange.received([DONE], AT)).error is None


@BOTH
def test_what_comes_after_the_end_is_ignored(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    late = wire.Progress(None, [])
    assert finish(exchange.received([STARTED, DONE, late], AT)).status.code is Status.FINISHED
    assert exchange.received([late], AT) == []
    assert exchange.timer_due(AT) == []
    assert exchange.close(AT) == []


@BOTH
def test_a_full_queue_is_told_as_such(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    end = finish(exchange.received([wire.QueueIsFull(None)], AT))
    assert isinstance(end.error, QueueFull)
    assert Status.QUEUE_FULL in [entry.code for entry in end.entries]  # type: ignore[union-attr]


@BOTH
def test_a_connection_that_breaks_ends_the_call(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    exchange.received([WAITING], AT)
    lost = ConnectionLost("reset")
    assert str(finish(exchange.ended(lost, AT)).error) == "reset"
    assert outcomes(exchange.cancel()) == [CancelOutcome.UNKNOWN]


def test_a_websocket_closed_by_the_server_was_cancelled_by_the_app() -> None:
    exchange = exchange_of(WEBSOCKET)
    exchange.received([HASH, WAITING], AT)
    assert isinstance(finish(exchange.ended(None, AT)).error, AppError)


def test_a_websocket_closed_without_a_word_was_not_accepted() -> None:
    exchange = exchange_of(WEBSOCKET)
    exchange.received([HASH], AT)
    assert isinstance(finish(exchange.ended(None, AT)).error, ConnectionLost)


def test_an_event_stream_that_ends_without_the_end_of_the_call_is_a_loss() -> None:
    exchange = exchange_of(CONNECTION)
    exchange.received([WAITING, DATA, STARTED], AT)
    assert isinstance(finish(exchange.ended(None, AT)).error, ConnectionLost)


@BOTH
@pytest.mark.parametrize(
    ("heard", "plain", "generator"),
    [
        ([], CancelOutcome.REMOVED, CancelOutcome.REMOVED),
        ([HASH, WAITING], CancelOutcome.REMOVED, CancelOutcome.REMOVED),
        ([WAITING, DATA], CancelOutcome.STILL_RUNNING, CancelOutcome.GENERATOR_CLOSED),
        ([WAITING, DATA, STARTED], CancelOutcome.STILL_RUNNING, CancelOutcome.GENERATOR_CLOSED),
        ([WAITING, DATA, STARTED, DONE], CancelOutcome.FINISHED, CancelOutcome.FINISHED),
    ],
)
def test_a_cancel_hangs_up_and_tells_what_that_does(
    dialect: Any, heard: list[wire.Message], plain: CancelOutcome, generator: CancelOutcome
) -> None:
    for is_generator, outcome in ((False, plain), (True, generator)):
        exchange = exchange_of(dialect, generator=is_generator)
        exchange.received(heard, AT)
        commands = exchange.cancel()
        assert outcomes(commands) == [outcome]
        assert (do.HangUp() in commands) == (outcome is not CancelOutcome.FINISHED)
        assert exchange.received([STARTED], AT) == []
        assert exchange.ended(ConnectionLost("closed"), AT) == []


def test_what_has_yielded_is_a_generator_though_the_config_does_not_say_so() -> None:
    exchange = exchange_of(WEBSOCKET)
    exchange.received([WAITING, DATA, STARTED, wire.Generating(None, ["a"], None)], AT)
    assert outcomes(exchange.cancel()) == [CancelOutcome.GENERATOR_CLOSED]


@BOTH
def test_a_call_that_was_never_made_is_let_go_of_without_a_connection(dialect: Any) -> None:
    exchange = Exchange(call_of(dialect), dialect)
    commands = exchange.cancel()
    assert outcomes(commands) == [CancelOutcome.NOT_SENT]
    assert do.HangUp() not in commands


@BOTH
def test_closing_ends_the_call(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    commands = exchange.close(AT)
    assert isinstance(finish(commands).error, ClientClosed)
    assert do.HangUp() in commands


@BOTH
def test_a_queue_that_says_nothing_of_the_call_is_dead(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    for _ in range(3):
        exchange.received([wire.Heartbeat()], AT)
        [again] = exchange.timer_due(AT)
        assert again == do.SetTimer(do.Timer.SILENCE, 15)
    error = finish(exchange.timer_due(AT)).error
    assert isinstance(error, ProtocolError)
    assert "its queue does not move" in str(error)


def test_silence_of_an_event_stream_is_a_loss_and_of_a_websocket_is_not() -> None:
    for dialect in (WEBSOCKET, CONNECTION):
        exchange = exchange_of(dialect)
        exchange.received([WAITING, DATA, STARTED], AT)
        for _ in range(3):
            exchange.timer_due(AT)
        exchange.received([], AT)  # some bytes
        for _ in range(3):
            exchange.timer_due(AT)
        commands = exchange.timer_due(AT)
        if dialect is CONNECTION:
            assert isinstance(finish(commands).error, ConnectionLost)
        else:
            assert commands == [do.SetTimer(do.Timer.SILENCE, 15)]


@BOTH
def test_a_malformed_message_ends_its_call(dialect: Any) -> None:
    exchange = exchange_of(dialect)
    commands = exchange.received([wire.Malformed(None, "odd")], AT)
    assert isinstance(finish(commands).error, ProtocolError)
    assert do.HangUp() in commands


# ---- turns


def test_calls_without_state_start_at_once() -> None:
    turns: Turns[str] = Turns(WEBSOCKET)
    exchanges = [Exchange(call_of(WEBSOCKET, generator=True), WEBSOCKET) for _ in range(5)]
    for exchange in exchanges:
        turns.submit(exchange)
    assert turns.due() == exchanges
    assert turns.due() == []


@BOTH
def test_calls_with_state_start_in_order_each_when_the_one_before_is_accepted(dialect: Any) -> None:
    turns: Turns[str] = Turns(dialect)
    first, second, third = (
        Exchange(call_of(dialect, ordered=True, fn_index=n), dialect) for n in range(3)
    )
    for exchange in (first, second, third):
        turns.submit(exchange)
    assert turns.due() == [first]
    first.start()
    assert turns.due() == []
    first.received([WAITING], AT)
    assert turns.due() == [second]
    second.start()
    third.cancel()
    second.ended(ConnectionLost("reset"), AT)
    turns.closed(second)
    assert turns.due() == []


@BOTH
def test_generators_of_one_session_are_kept_apart_on_websockets(dialect: Any) -> None:
    turns: Turns[str] = Turns(dialect)
    first, second, other = (
        Exchange(call_of(dialect, ordered=True, generator=True, fn_index=n), dialect)
        for n in (0, 0, 1)
    )
    for exchange in (first, second, other):
        turns.submit(exchange)
    assert turns.due() == [first]
    first.start()
    first.received([WAITING, DATA, STARTED], AT)
    mixed = dialect is WEBSOCKET
    assert turns.due() == ([] if mixed else [second])
    first.received([DONE], AT)
    assert turns.due() == []  # its connection is still open
    turns.closed(first)
    if mixed:
        assert turns.due() == [second]


def test_the_number_of_open_connections_is_bounded() -> None:
    turns: Turns[str] = Turns(WEBSOCKET)
    exchanges = [Exchange(call_of(WEBSOCKET), WEBSOCKET) for _ in range(250)]
    for exchange in exchanges:
        turns.submit(exchange)
    started = turns.due()
    assert started == exchanges[:100]
    exchanges[100].cancel()
    for exchange in started[:2]:
        turns.closed(exchange)
    assert turns.due() == exchanges[101:103]


@BOTH
def test_any_order_of_messages_ends_a_call_once(dialect: Any) -> None:
    said = [HASH, WAITING, DATA, STARTED, wire.Generating(None, ["a"], None), DONE]
    for order in permutations(said):
        exchange = exchange_of(dialect)
        commands = [command for message in order for command in exchange.received([message], AT)]
        assert finish(commands).error is None
