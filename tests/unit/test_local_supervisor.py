"""What the supervisor inherits from whoever started the cluster."""

import subprocess
import sys

import pytest

from kpo_provision.local import daemons

FIRST = daemons.FIRST_DESCRIPTOR
# A process of its own has nothing open at the numbers that matter.
INHERIT = """
import os, sys
from kpo_provision.local import supervisor

numbers = [int(number) for number in sys.argv[1:]]
for number in numbers:
    os.dup2(os.memfd_create(f"socket-{number}"), number)
moved = supervisor.move_descriptors(numbers)
assert not [number for number in numbers if os.path.exists(f"/proc/self/fd/{number}")]
assert not any(os.get_inheritable(number) for number in moved)
for number in moved:
    print(number, os.readlink(f"/proc/self/fd/{number}").split(":")[1].split()[0])
"""


@pytest.mark.parametrize("numbers", [(FIRST - 1, FIRST), (FIRST + 1, FIRST), (FIRST, FIRST + 1), (50, 70)])
def test_inherited_sockets_stay_apart_whatever_their_numbers(numbers):
    answer = subprocess.run(
        [sys.executable, "-c", INHERIT, *map(str, numbers)], capture_output=True, text=True, check=True
    )
    moved = dict(line.split() for line in answer.stdout.splitlines())
    assert list(moved.values()) == [f"socket-{number}" for number in numbers]
    assert not {int(number) for number in moved} & {FIRST, FIRST + 1}
