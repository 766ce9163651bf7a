"""How long a host waits for its Node, in bash, with an API server that is played by a function."""

import subprocess
from pathlib import Path

import pytest

CONVERGE = Path(__file__).parents[2] / "modules" / "self-hosted-node-pool" / "scripts" / "converge.sh"
# The clock goes on only when somebody sleeps: unset, bash's SECONDS is a variable like any other.
PLAY = """\
set -euo pipefail
unset SECONDS
SECONDS=0
readonly NODE=node-1 RUN={run}
sleep() {{ SECONDS=$((SECONDS + $1)); }}
node_api() {{
  printf '%s\\n' "$*" >>"$RUN/asked"
  [ "$(wc -l <"$RUN/asked")" -le {refused} ] || return 0
  echo 'Error from server (NotFound): nodes "node-1" not found' >&2
  return 1
}}
"""


@pytest.fixture
def wait(tmp_path):
    """Wait at most some seconds for a Node that so many requests do not find; tell the outcome and what was asked."""

    def wait(seconds, refused):
        play = PLAY.format(run=tmp_path, refused=refused) + CONVERGE.read_text() + f"\nis_ready_within {seconds}\n"
        done = subprocess.run(["bash", "-c", play], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, tmp_path.joinpath("asked").read_text().splitlines()

    return wait


def test_a_node_that_is_ready_is_asked_for_once_with_the_whole_patience(wait):
    code, asked = wait(60, refused=0)
    assert code == 0
    (only,) = asked
    assert only.startswith("wait node/node-1 --for=condition=Ready --timeout=60s --request-timeout=0 -o jsonpath=")


def test_a_node_that_is_not_registered_yet_is_waited_for(wait):
    code, asked = wait(60, refused=3)
    assert code == 0
    assert [next(word for word in line.split() if "--timeout" in word) for line in asked] == [
        f"--timeout={left}s" for left in (60, 59, 58, 57)
    ]


def test_a_node_that_never_comes_is_given_up_after_the_patience(wait, tmp_path):
    code, asked = wait(5, refused=99)
    assert code == 1
    assert len(asked) == 5
    assert "NotFound" in tmp_path.joinpath("wait").read_text()
