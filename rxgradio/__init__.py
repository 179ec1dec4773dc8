"""Reactive streams for Gradio apps.

    from rxgradio import Client

    client = Client("http://127.0.0.1:7860")
    job = client.submit("a cat", api_name="/generate")
    for output in job:
        ...

Each submission is a `Job`, a Future whose `updates` are an RxPY `Observable`.
"""

from __future__ import annotations

__all__ = [
    "AppError",
    "AuthenticationError",
    "BulkheadFull",
    "CancelOutcome",
    "CircuitOpen",
    "Client",
    "ClientClosed",
    "ConnectionLost",
    "ConsumerTooSlow",
    "DeadlineExceeded",
    "DeliveryScheduler",
    "Endpoint",
    "InvalidAPIEndpointError",
    "Job",
    "Limits",
    "OutputUpdate",
    "ProgressUnit",
    "ProtocolError",
    "QueueError",
    "QueueFull",
    "QuotaExceeded",
    "RemoteFile",
    "Retry",
    "RxGradioError",
    "ServerStopped",
    "SpaceError",
    "SpaceState",
    "Status",
    "StatusUpdate",
    "TooManyRequestsError",
    "Update",
    "Updates",
    "ValidationError",
    "__version__",
    "file",
    "handle_file",
]

from .client import Client
from .endpoint import Endpoint
from .exceptions import (
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
    ServerStopped,
    SpaceError,
    TooManyRequestsError,
    ValidationError,
)
from .files.handle import handle_file
from .files.remote import RemoteFile
from .fluent import Updates
from .job import Job
from .options import Limits, Retry
from .runtime.scheduler import DeliveryScheduler
from .spaces import SpaceState
from .updates import CancelOutcome, OutputUpdate, ProgressUnit, Status, StatusUpdate, Update
from .utils import file

__version__ = "0.1.0"
