# Gives containerd what it needs without taking away what others told it.
#
# Its configuration is ours, or there is none: ours it becomes. It is somebody else's: from 2.0 on a drop-in beside it,
# which is merged; before, a drop-in would replace whole sections (containerd#5837), so the host is refused. That newer
# versions import /etc/containerd/conf.d by themselves holds only where there is no configuration (2.4.2, tried).

readonly MARK='Managed by kpo-provision'
readonly CONTAINERD_CONFIG=/etc/containerd/config.toml
readonly CONTAINERD_DROP_IN=/etc/containerd/conf.d/50-kpo-provision.toml

containerd_version() {
  local found=$BUNDLE_CONTAINERD
  ! command -v containerd >/dev/null || found=$(containerd --version | cut -d ' ' -f 3)
  found=${found#v}
  printf '%s' "${found%%[~+-]*}"
}

is_at_least() { printf '%s\n' "$1" "$2" | sort -VC; }  # is_at_least WANTED FOUND

# choose_containerd_config V2 V3: wants one of the two files, where it has to be.
choose_containerd_config() {
  local version content why
  version=$(containerd_version)
  content=$2
  is_at_least 2.0 "$version" || content=$1
  if is_config_ours; then
    want "$CONTAINERD_CONFIG" 0644 <<<"$content"
    return
  fi
  why=$(explain_unmergeable "$version")
  [ -z "$why" ] || die "${why%%$'\t'*}" "${why#*$'\t'}"
  want "$CONTAINERD_DROP_IN" 0644 <<<"$content"
}

is_config_ours() { [ ! -s "$CONTAINERD_CONFIG" ] || grep -q "$MARK" "$CONTAINERD_CONFIG"; }

# Says why nothing can be merged into a configuration of somebody else's, and what to do, parted by a tab.
explain_unmergeable() {
  local schema
  schema=$(sed -n 's/^[[:space:]]*version *= *\([0-9]*\).*/\1/p' "$CONTAINERD_CONFIG" | head -n 1)
  if ! is_at_least 2.0 "$1"; then
    printf '%s\t%s' "containerd $1 has a configuration of its own, $CONTAINERD_CONFIG, and merges no other into it" \
      'move it away, or update containerd to 2.0 or newer'
  elif grep -Eqs '^[^#]*registry\.(mirrors|configs|auths)' "$CONTAINERD_CONFIG"; then
    printf '%s\t%s' "$CONTAINERD_CONFIG has registry mirrors in the old form, beside which config_path is refused" \
      'move them to /etc/containerd/certs.d'
  elif [ "${schema:-1}" -lt 3 ]; then
    printf '%s\t%s' "$CONTAINERD_CONFIG is of version ${schema:-1}, and what is merged into it has to be of version 3" \
      'run: containerd config migrate'
  elif ! grep -q '^[[:space:]]*imports.*"/etc/containerd/conf\.d/' "$CONTAINERD_CONFIG"; then
    printf '%s\t%s' "$CONTAINERD_CONFIG does not import /etc/containerd/conf.d/*.toml, where our part of it would be" \
      'add: imports = ["/etc/containerd/conf.d/*.toml"]'
  fi
}

# Old versions ignore what they do not know without a word, so what is in effect is asked for.
require_in_effect() {
  local dump
  dump=$(containerd config dump 2>&1) || die "containerd cannot read its configuration: $(shorten 300 <<<"$dump")" "mend $CONTAINERD_CONFIG"
  grep -Eq "config_path *= *['\"][^'\"]*/etc/containerd/certs.d" <<<"$dump" || die "containerd does not look into /etc/containerd/certs.d" "see what sets config_path: containerd config dump"
  grep -Eq 'SystemdCgroup *= *true' <<<"$dump" || die "containerd does not put containers into systemd's control groups, where the kubelet looks for them" "see what sets SystemdCgroup: containerd config dump"
  [ -z "$SANDBOX_IMAGE" ] || grep -Eq "sandbox(_image)? *= *['\"]${SANDBOX_IMAGE}['\"]" <<<"$dump" || die "containerd uses another sandbox image than $SANDBOX_IMAGE" "see what sets it: containerd config dump"
}

is_containerd_up() { [ -S "$CONTAINERD_SOCKET" ] && timeout 10 ctr --address "$CONTAINERD_SOCKET" version >/dev/null 2>&1; }

# Containers that run stay: they belong to their shims.
restart_containerd() {
  local waited=0
  say 'restart containerd'
  systemctl restart containerd || true
  until is_containerd_up; do
    waited=$((waited + 1))
    [ "$waited" -lt 30 ] || die "containerd does not answer after its restart: $(journal_of containerd)" "look at: journalctl -u containerd"
    sleep 1
  done
}
