"""What the supervisor inherits from whoever started the cluster."""

import os

import pytest

from kpo_provision.local import daemons, supervisor

FIRST = daemons.FIRST_DESCRIPTOR


@pytest.mark.parametrize("numbers", [(FIRST - 1, FIRST), (FIRST + 1, FIRST), (FIRST, FIRST + 1), (5, 70)])
def test_inherited_sockets_stay_apart_whatever_their_numbers(numbers, tmp_path):
    inodes = []
    for number in numbers:
        (tmp_path / str(number)).touch()
        opened = os.open(tmp_path / str(number), os.O_RDONLY)
        # The numbers may be in use by the test process itself, which gets them back.
        inodes.append((number, os.dup(number) if _is_open(number) else None, os.fstat(opened).st_ino))
        os.dup2(opened, number, inheritable=True)
        os.close(opened)

    moved = supervisor.move_descriptors(numbers)
    try:
        assert [os.fstat(number).st_ino for number in moved] == [inode for _, _, inode in inodes]
        assert not any(os.get_inheritable(number) for number in moved)
        assert not set(moved) & set(range(FIRST, FIRST + len(numbers)))
        assert not any(_is_open(number) for number in numbers)
    finally:
        for number in moved:
            os.close(number)
        for number, kept, _ in inodes:
            if kept is not None:
                os.dup2(kept, number)
                os.close(kept)


def _is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
