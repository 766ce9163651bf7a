#!/bin/sh
# Makes a folder with axe, which judges how accessible a page is, and prints its path; at once when it is there already.
# Of the package only its copy of axe.min.js is used: what drives the browser here is its own protocol.
# PYTHON names another interpreter.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
pins=$(sha256sum <"$here/requirements.txt" | cut -c 1-12)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/kpo-provision/axe-$pins
marker=$folder/installed-$pins

if [ ! -e "$marker" ]; then
    mkdir -p "$folder"
    exec 9>"$folder.lock"
    flock 9
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$folder" \
        -r "$here/requirements.txt" >&2
    touch "$marker"
fi
echo "$folder"
