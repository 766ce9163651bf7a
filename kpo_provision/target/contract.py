"""What the pipeline asks of a target. Looking and doing are apart: what ``prepare`` found is what ``apply`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kpo_provision.progress import Progress
from kpo_provision.results import Change, PoolsAhead
from kpo_provision.target.opened import OpenTarget


class Target(Protocol):
    """One kind of target, for one spec."""

    @property
    def description(self) -> str:
        """What to call the cluster where it may not be there yet."""
        ...

    def open(self) -> OpenTarget:
        """Connect to the cluster and change nothing.

        Raises:
            errors.ClusterError: It cannot be reached or trusted, refuses the login, or is too old.
            errors.LocalClusterError: It is the local cluster, which does not run.
            errors.CloudError: It is a cloud's, which knows no such cluster or refuses the login.
        """
        ...

    def open_if_there(self) -> OpenTarget | None:
        """Connect as ``open`` does; None where the cluster is still to be made by ``apply``."""
        ...

    def find_drift(self) -> Sequence[str]:
        """Say, a sentence each, where the live pools are not as planned."""
        ...

    def preview(self, *, progress: Progress, on_start: Callable[[], None]) -> PoolsAhead:
        """Say what ``apply`` would do to cluster and pools, without changing anything.

        ``on_start`` is called once what takes long goes on outside this process, and not at all where nothing does.
        """
        ...

    def prepare(self, *, progress: Progress) -> PoolsAhead:
        """Mend what an earlier run left, then say what ``apply`` will do; no node comes or goes."""
        ...

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Do what ``prepare`` said, and connect."""
        ...

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:
        """Say what ``destroy`` will do to cluster and pools."""
        ...

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:
        """Do what ``prepare_destroy`` said."""
        ...

    def close(self) -> None:
        """Let other commands at what was held for this one, such as Terraform's workspace."""
        ...
