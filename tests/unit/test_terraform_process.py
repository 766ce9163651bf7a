"""How a command is followed, interrupted and killed; the commands are shell scripts."""

import os
import time

import pytest

from kpo_provision.terraform import process

NEVER_S = 300
LIMITS = process.Limits(timeout_s=NEVER_S, stop_s=NEVER_S)


def run(script, tmp_path, *, on_line=str, limits=LIMITS):
    return process.run(["sh", "-c", script], tmp_path, environ=os.environ, limits=limits, on_line=on_line)


def interrupt_at(*words):
    """Make a listener that presses Ctrl-C at each of these lines."""
    heard = []

    def listen(line):
        heard.append(line)
        if line in words:
            raise KeyboardInterrupt

    return heard, listen


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_gone(pid):
    deadline = time.monotonic() + 30
    while not is_gone(pid):
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.05)


def test_lines_come_whole_and_the_last_without_its_end(tmp_path):
    heard = []
    finished = run("printf 'a\\nb'; sleep 0.2; printf 'c\\nd'; echo oops >&2; exit 3", tmp_path, on_line=heard.append)
    assert heard == ["a", "bc", "d"]
    assert finished == process.Finished(returncode=3, stderr_tail="oops")


def test_an_interruption_is_passed_on_once_and_the_clean_stop_awaited(tmp_path):
    heard, listen = interrupt_at("begun")
    script = "trap 'echo stopping; sleep 0.3; touch stopped; exit 0' TERM; echo begun; while :; do sleep 0.1; done"
    with pytest.raises(KeyboardInterrupt):
        run(script, tmp_path, on_line=listen)
    assert heard == ["begun", "stopping"]
    assert tmp_path.joinpath("stopped").exists()


def test_a_second_interruption_kills_the_command_and_its_children(tmp_path):
    heard, listen = interrupt_at("begun", "stopping")
    script = "trap 'echo stopping' TERM; sleep 1000 & echo $! >child; echo begun; while :; do sleep 0.1; done"
    with pytest.raises(KeyboardInterrupt):
        run(script, tmp_path, on_line=listen)
    assert heard == ["begun", "stopping"]
    wait_until_gone(int(tmp_path.joinpath("child").read_text()))


def test_a_command_that_takes_too_long_is_interrupted(tmp_path):
    limits = process.Limits(timeout_s=0.2, stop_s=NEVER_S)
    with pytest.raises(process.TimedOutError):
        run("trap 'touch stopped; exit 0' TERM; while :; do sleep 0.1; done", tmp_path, limits=limits)
    assert tmp_path.joinpath("stopped").exists()


def test_a_command_that_does_not_stop_in_time_is_killed(tmp_path):
    limits = process.Limits(timeout_s=0.2, stop_s=0.2)
    with pytest.raises(process.TimedOutError):
        run("trap '' TERM; echo $$ >pid; while :; do sleep 0.1; done", tmp_path, limits=limits)
    assert is_gone(int(tmp_path.joinpath("pid").read_text()))


def test_a_command_outlives_a_listener_that_breaks_no_longer_than_it(tmp_path):
    def listen(line):
        raise ValueError(line)

    with pytest.raises(ValueError, match="begun"):
        run("echo $$ >pid; echo begun; while :; do sleep 0.1; done", tmp_path, on_line=listen)
    assert is_gone(int(tmp_path.joinpath("pid").read_text()))


def test_the_terminal_cannot_interrupt_a_command_a_second_time(tmp_path):
    heard = []
    run("ps -o sid= -p $$", tmp_path, on_line=heard.append)
    assert int(heard[0]) != os.getsid(0)
