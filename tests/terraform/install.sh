#!/bin/sh
# Makes a folder with checkov and tflint and prints its path; at once when it is there already.
# checkov has a virtualenv of its own because it pins some hundred packages, another boto3 among them; tflint is compiled.
# SCANNERS names another place; PYTHON another interpreter.
set -eu

tflint=github.com/terraform-linters/tflint@v0.64.0

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
pins=$({ cat "$here/requirements.txt" "$here/constraints.txt"; echo "$tflint"; "$python" -V; } | sha256sum | cut -c 1-12)
folder=${SCANNERS:-${XDG_CACHE_HOME:-$HOME/.cache}/kpo-provision/scanners-$pins}
marker=$folder/installed-$pins

if [ ! -e "$marker" ]; then
    # The lock file tells a folder of ours, which may be cleared, from a folder that is somebody else's.
    if [ -e "$folder" ] && [ ! -e "$folder.lock" ]; then
        echo "install.sh: $folder exists and was not made by this script; set SCANNERS to another path" >&2
        exit 1
    fi
    mkdir -p "$(dirname "$folder")"
    exec 9>"$folder.lock"
    flock 9
    # Another run may have finished while this one waited. What has no marker is the rest of a run that was killed.
    if [ ! -e "$marker" ]; then
        echo "installing checkov and tflint into $folder (some minutes, once)" >&2
        "$python" -m venv --clear "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r "$here/requirements.txt" -c "$here/constraints.txt" >&2
        GOBIN=$folder/bin GOFLAGS=-trimpath CGO_ENABLED=0 go install "$tflint" >&2
        touch "$marker"
    fi
fi
echo "$folder"
