# Installs what a host lacks from a bundle: programs, units, images. What it has of its own stays its own.

readonly UNPACKED=$STATE/bundle

# install_bundle FILE: does nothing where there is no bundle.
install_bundle() {
  local path target mode units=''
  [ -n "$BUNDLE_SHA256" ] || return 0
  [ -e "$1" ] || die 'the bundle did not arrive' 'run again'
  say 'install what it lacks from the bundle'
  [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$BUNDLE_SHA256" ] || die 'the bundle arrived damaged' 'run again'
  mkdir -p "$STATE"
  rm -rf "$UNPACKED"
  mkdir "$UNPACKED"
  unpack "$1" install.tsv
  while IFS=$'\t' read -r path target mode; do
    [ "$target" != - ] && is_own "$target" || printf '%s\t%s\t%s\n' "$path" "$target" "$mode"
  done <"$UNPACKED/install.tsv" >"$UNPACKED/lacking"
  [ ! -s "$UNPACKED/lacking" ] || unpack "$1" -T <(cut -f 1 "$UNPACKED/lacking")
  rm -f "$1"
  ! grep $'\t/usr/local/bin/containerd\t' "$UNPACKED/lacking" >/dev/null || remember_empty
  while IFS=$'\t' read -r path target mode; do
    [ "$target" != - ] || continue
    install_file "$UNPACKED/$path" "$target" "$mode"
    [ "${path%%/*}" != units ] || units=true
  done <"$UNPACKED/lacking"
  rm -rf "$UNPACKED/bin" "$UNPACKED/cni" "$UNPACKED/units"
  [ -z "$units" ] || systemctl daemon-reload
}

unpack() {
  tar -xzf "$1" -C "$UNPACKED" --no-same-owner "${@:2}" || die "the bundle cannot be unpacked below $STATE" 'make room there'
}

# Which folders a containerd of ours will be the only one to fill: `d PATH` not here yet, `e PATH` here and empty.
remember_empty() {
  local path
  [ ! -e "$INSTALLED" ] || return 0
  for path in /opt/containerd /var/lib/containerd /run/containerd; do
    if [ ! -e "$path" ]; then
      printf 'd %s\ne %s\n' "$path" "$path"
    elif [ -d "$path" ] && [ -z "$(ls -A "$path")" ]; then
      printf 'e %s\n' "$path"
    fi
  done >"$INSTALLED.new"
  mv "$INSTALLED.new" "$INSTALLED"
}

is_installed() { grep -qsxF -- "f $1" "$INSTALLED"; }

# Whether the host has this by itself: the program under its name, the unit, or the very file.
is_own() {
  local name=${1##*/} unit
  is_installed "$1" && return 1
  case "$1" in
    */systemd/system/*)
      unit=${1#*/systemd/system/}
      has_own_unit "${unit%%.service*}.service"
      ;;
    /opt/cni/bin/*) is_there "$1" ;;
    *) command -v "$name" >/dev/null ;;
  esac
}

# A unit of which we installed a part is ours, the other parts too.
has_own_unit() { ! grep -qsF "/etc/systemd/system/$1" "$INSTALLED" && systemctl cat "$1" >/dev/null 2>&1; }

# Recorded before it is there: a run that is killed in between leaves nothing that nobody takes away.
install_file() {
  local folder=${2%/*} missing=''
  while [ ! -d "$folder" ]; do
    missing="$folder"$'\n'"$missing"
    folder=${folder%/*}
  done
  while read -r folder; do
    [ -z "$folder" ] || { printf 'd %s\n' "$folder" >>"$INSTALLED" && mkdir -m 755 "$folder"; }
  done <<<"$missing"
  is_installed "$2" || printf 'f %s\n' "$2" >>"$INSTALLED"
  if ! install -m "$3" "$1" "$2.kpo-new" 2>"$RUN/install"; then
    rm -f "$2.kpo-new"
    die "$2 cannot be written: $(shorten 300 <"$RUN/install")" 'make room there, or let it be written; then run again'
  fi
  mv -f "$2.kpo-new" "$2"
}
