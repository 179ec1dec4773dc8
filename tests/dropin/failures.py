"""Scenarios of failures."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.dropin.jobs import let_go, once, runs
from tests.dropin.scenario import ALL, NAMED, NEWER, NEWEST, Script, differs, returns, same

_BEFORE_5 = ALL[:2]
_QUOTED = "the text of an error is what its author wrote, not its repr"


@same(raises="AppError")
def an_error_of_the_app(it: Script) -> object:
    return it.connect().predict(api_name="/fails")


def parts_of(it: Script, api_name: str) -> object:
    try:
        it.connect().predict(api_name=api_name)
    except it.module("exceptions").AppError as error:
        text = str(error), error.message
        return text, error.duration, error.visible, error.title, error.print_exception
    return None


@same(on=NEWER)
def the_parts_of_an_error(it: Script) -> object:
    return parts_of(it, "/fails_with_more")


@same(on=NEWER)
def the_parts_of_an_error_with_less(it: Script) -> object:
    return parts_of(it, "/fails")


@differs(_QUOTED, theirs=returns("'told you so'"), ours=returns("told you so"), on=_BEFORE_5)
@same(on=NEWER)
def the_text_of_an_error(it: Script) -> object:
    try:
        it.connect().predict(api_name="/fails")
    except ValueError as error:
        return str(error)
    return None


@same()
def the_text_of_a_crash(it: Script) -> object:
    try:
        it.connect().predict(api_name="/crashes")
    except ValueError as error:
        return str(error)
    return None


@same(APP_HIDE_ERRORS="1", raises="AppError")
def a_crash_of_which_the_app_tells_nothing(it: Script) -> object:
    return it.connect().predict(api_name="/crashes")


@same()
def a_job_that_fails(it: Script) -> object:
    job = it.connect().submit(api_name="/fails")
    error = job.exception(timeout=10)
    status = job.status()
    ends = job.done(), job.cancelled(), job.outputs()
    return type(error).__name__, ends, status.code.value, status.success


@differs(
    "a loop over a call that fails must not end as if all were well",
    theirs=returns((["0", "1"], "no error")),
    ours=returns((["0", "1"], "AppError")),
)
def a_loop_over_a_job_that_fails(it: Script) -> object:
    job = it.connect().submit(2, api_name="/fails_midway")
    seen: list[object] = []
    try:
        for output in job:
            seen.append(output)  # noqa: PERF402 (as scripts do, to have those before an error)
    except ValueError as error:
        return seen, type(error).__name__
    return seen, "no error"


@same(on=NEWEST)
def a_loop_and_a_result_of_a_job_that_fails(it: Script) -> object:
    job = it.connect().submit(2, api_name="/fails_midway")
    seen: list[object] = []
    try:
        for output in job:
            seen.append(output)  # noqa: PERF402 (as above)
        job.result()
    except ValueError as error:
        return seen, type(error).__name__
    return None


async def end_of(job: Any) -> str:
    try:
        async for _ in job:
            pass
    except ValueError as error:
        return type(error).__name__
    return "no error"


@differs(
    "a loop over a call that fails must not end as if all were well",
    theirs=returns("no error"),
    ours=returns("AppError"),
)
def an_async_loop_over_a_job_that_fails(it: Script) -> object:
    return asyncio.run(end_of(it.connect().submit(1, api_name="/fails_midway")))


@same(on=NEWEST, raises="ValidationError")
def a_validator_that_refuses(it: Script) -> object:
    return it.connect().predict(11, api_name="/validated")


@same(on=NEWEST)
def a_validator_that_is_content(it: Script) -> object:
    return it.connect().predict(9, api_name="/validated")


@same(on=NAMED, APP_MAX_SIZE="1")
def a_full_queue(it: Script) -> object:
    client = it.connect()
    running = client.submit(api_name="/wait")
    once(lambda: runs(running))
    waiting = client.submit(api_name="/wait")
    once(lambda: waiting.status().code.value == "IN_QUEUE")
    error = client.submit(api_name="/wait").exception(timeout=10)
    let_go(client)
    let_go(client)
    kinds = isinstance(error, it.module("utils").QueueError), isinstance(error, ValueError)
    return kinds, running.result(), waiting.result()


@same(on=NEWEST)
def the_exceptions_that_scripts_import(it: Script) -> object:
    found = {
        "exceptions": (
            "AppError",
            "AuthenticationError",
            "SerializationSetupError",
            "ValidationError",
        ),
        "utils": ("QueueError", "SpaceDuplicationError", "TooManyRequestsError"),
    }
    return [
        (name, issubclass(getattr(it.module(module), name), ValueError))
        for module, names in found.items()
        for name in names
    ]


@same(on=NEWEST)
def what_a_validator_says(it: Script) -> object:
    try:
        it.connect().predict(11, api_name="/validated")
    except ValueError as error:
        return "number: too big" in str(error), "{" in str(error)
    return None


@differs(
    "None is what an app has not said",
    theirs=returns((10, "Error")),
    ours=returns((None, None)),
    on=NEWEST,
)
def what_an_app_error_has_by_default(it: Script) -> object:
    error = it.module("exceptions").AppError("told you so")
    return error.duration, error.title
