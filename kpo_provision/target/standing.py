"""What holds for targets whose clusters nobody has to make: there is nothing to plan, to mend or to destroy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from kpo_provision.progress import Progress
from kpo_provision.results import Change, PoolsAhead
from kpo_provision.target.opened import OpenTarget


class StandingTarget(ABC):
    """A cluster that is there, or that ``apply`` starts as a whole."""

    @abstractmethod
    def open(self) -> OpenTarget:
        """Connect to the cluster."""

    def open_if_there(self) -> OpenTarget | None:
        """Connect to the cluster, which has to be there."""
        return self.open()

    def find_drift(self) -> Sequence[str]:
        """Return nothing: pools are nodes with labels, which ``verify`` looks at."""
        return ()

    def preview(self, *, progress: Progress, on_start: Callable[[], None]) -> PoolsAhead:  # noqa: ARG002
        """Return nothing."""
        return PoolsAhead()

    def prepare(self, *, progress: Progress) -> PoolsAhead:  # noqa: ARG002
        """Return nothing."""
        return PoolsAhead()

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:  # noqa: ARG002
        """Return nothing: nodes that others made stay."""
        return PoolsAhead()

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:  # noqa: ARG002
        """Do nothing."""
        return ()

    def close(self) -> None:  # noqa: B027
        """Do nothing: nothing is held."""
