"""A stream of updates that has the operators on updates as methods.

The operators are imported when one is used: `import rxgradio` needs none of them.
"""

# ruff: noqa: PLC0415 (see above)

from __future__ import annotations

__all__ = ["Updates"]

from typing import TYPE_CHECKING, Any

from reactivex import Observable, abc

from .updates import StatusUpdate, Update

if TYPE_CHECKING:
    from .operators import LogMessage, Snapshot, TextDelta, Timings
    from .operators.text_deltas import Select


class Updates(Observable[Update]):
    """An `Observable` of updates, with the operators of `rxgradio.operators` as methods.

    `updates.outputs()` is `updates.pipe(rxgradio.operators.outputs())`, and so on,
    with the marbles there. It is what `job.updates`, `observe` and `stream` give.

    Args:
        subscribe: As for `Observable`.
        misses: Whether a subscriber may miss updates.
    """

    def __init__(
        self, subscribe: abc.Subscription[Update] | None = None, *, misses: bool = False
    ) -> None:
        super().__init__(subscribe)
        self._misses = misses

    def outputs(self) -> Observable[Any]:
        """Pass on the values that were yielded; the final one only if that was nothing."""
        from .operators.outputs import outputs

        return self.pipe(outputs(misses=self._misses))

    def statuses(self) -> Observable[StatusUpdate]:
        """Pass on all that is no output."""
        from .operators.statuses import statuses

        return self.pipe(statuses())

    def progress(self) -> Observable[float]:
        """Pass on how much is done by the app's `gr.Progress`, from 0.0 to 1.0."""
        from .operators.progress import progress

        return self.pipe(progress())

    def logs(self) -> Observable[LogMessage]:
        """Pass on what the app says by `gr.Info` and its like."""
        from .operators.logs import logs

        return self.pipe(logs())

    def result(self) -> Observable[Any]:
        """Pass on the final value alone, and complete."""
        from .operators.result import result

        return self.pipe(result())

    def text_deltas(self, of: Select | None = None) -> Observable[TextDelta]:
        """Pass on what is appended to a growing text, or to the messages of a chat.

        Args:
            of: Which of several outputs, a key of the one, or a function of them.
        """
        from .operators.text_deltas import text_deltas

        return self.pipe(text_deltas(of))

    def snapshots(self) -> Observable[Snapshot]:
        """Pass on the newest view of the call; an error is in the last one."""
        from .operators.snapshots import snapshots

        return self.pipe(snapshots())

    def timings(self, scheduler: abc.SchedulerBase | None = None) -> Observable[Timings]:
        """Pass on when the call was queued, started, had an output and was done.

        Args:
            scheduler: Whose clock it is by; else that of the subscription.
        """
        from .operators.timings import timings

        return self.pipe(timings(scheduler))
