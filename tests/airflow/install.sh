#!/bin/sh
# Makes the virtualenv of Airflow's own operator and prints its path; at once when it is there already.
# It stands apart from the development one because Airflow pins some 140 packages, another kubernetes client among them.
# AIRFLOW_VENV names another place; PYTHON another interpreter.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
pins=$({ cat "$here/requirements.txt" "$here/constraints.txt"; "$python" -V; } | sha256sum | cut -c 1-12)
venv=${AIRFLOW_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/kpo-provision/airflow-$pins}
marker=$venv/installed-$pins

if [ ! -e "$marker" ]; then
    # The lock file tells a virtualenv of ours, which may be cleared, from a folder that is somebody else's.
    if [ -e "$venv" ] && [ ! -e "$venv.lock" ]; then
        echo "install.sh: $venv exists and was not made by this script; set AIRFLOW_VENV to another path" >&2
        exit 1
    fi
    mkdir -p "$(dirname "$venv")"
    exec 9>"$venv.lock"
    flock 9
    # Another run may have finished while this one waited. What has no marker is the rest of a run that was killed.
    if [ ! -e "$marker" ]; then
        echo "installing Airflow into $venv (about a minute, once)" >&2
        "$python" -m venv --clear "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r "$here/requirements.txt" -c "$here/constraints.txt" >&2
        touch "$marker"
    fi
fi
echo "$venv"
