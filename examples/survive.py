"""Give a call a deadline, have it made again when it is lost, and tell its errors apart."""

from __future__ import annotations

import sys

from rxgradio import (
    AppError,
    Client,
    ConnectionLost,
    DeadlineExceeded,
    Retry,
    RxGradioError,
)


def outcome(client: Client, text: str, *, deadline: float) -> str:
    write = client.endpoint(
        "/write", deadline=deadline, resubmit=Retry(attempts=3), wait_for_room=True
    )
    try:
        return f"written: {write.predict(text, size=2, delay=0.02)}"
    except DeadlineExceeded as error:
        return f"too slow; until then: {error.outputs[-1:]}"
    except ConnectionLost as error:
        return f"lost three times: {error}"
    except AppError as error:
        return f"the app says: {error}"
    except RxGradioError as error:
        return f"{type(error).__name__}: {error}"


with Client(sys.argv[1]) as client:
    print(outcome(client, "hello", deadline=30))
    print(outcome(client, "a long story " * 1000, deadline=1))
