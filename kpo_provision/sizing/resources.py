"""Amounts of what a scheduler counts, in whole numbers of one unit each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """CPU in millicores, memory in KiB, pods by count, ephemeral storage in bytes."""

    cpu_milli: int = 0
    memory_ki: int = 0
    pods: int = 0
    ephemeral_bytes: int = 0

    def __add__(self, other: Resources) -> Resources:
        """Add up, resource by resource."""
        return Resources(
            cpu_milli=self.cpu_milli + other.cpu_milli,
            memory_ki=self.memory_ki + other.memory_ki,
            pods=self.pods + other.pods,
            ephemeral_bytes=self.ephemeral_bytes + other.ephemeral_bytes,
        )

    def __sub__(self, other: Resources) -> Resources:
        """Subtract, resource by resource; what is missing comes out negative."""
        return Resources(
            cpu_milli=self.cpu_milli - other.cpu_milli,
            memory_ki=self.memory_ki - other.memory_ki,
            pods=self.pods - other.pods,
            ephemeral_bytes=self.ephemeral_bytes - other.ephemeral_bytes,
        )

    def times(self, count: int) -> Resources:
        """Multiply, resource by resource."""
        return Resources(
            cpu_milli=self.cpu_milli * count,
            memory_ki=self.memory_ki * count,
            pods=self.pods * count,
            ephemeral_bytes=self.ephemeral_bytes * count,
        )

    def fits(self, room: Resources) -> bool:
        """Whether every resource is within ``room``."""
        return (
            self.cpu_milli <= room.cpu_milli
            and self.memory_ki <= room.memory_ki
            and self.pods <= room.pods
            and self.ephemeral_bytes <= room.ephemeral_bytes
        )
