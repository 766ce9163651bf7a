"""Work beside other work: it begins once, when it is told to or when its result is asked for."""

import threading

import pytest

from kpo_provision.aside import Aside


def test_it_does_not_begin_by_itself():
    begun = []
    with Aside(lambda: begun.append("begun"), name="work"):
        pass
    assert begun == []


def test_it_begins_once_and_goes_on_beside_who_told_it_to():
    begun, may_end = [], threading.Event()

    def work():
        begun.append(threading.current_thread())
        may_end.wait(10)
        return "done"

    with Aside(work, name="work") as aside:
        aside.begin()
        aside.begin()
        may_end.set()
        assert aside.result() == aside.result() == "done"
    assert len(begun) == 1
    assert begun[0] is not threading.main_thread()


def test_asking_for_the_result_begins_it():
    with Aside(lambda: 7, name="work") as aside:
        assert aside.result() == 7


def test_what_it_raises_is_raised_where_the_result_is_asked_for():
    with Aside(lambda: 1 // 0, name="work") as aside:
        aside.begin()
        with pytest.raises(ZeroDivisionError):
            aside.result()
