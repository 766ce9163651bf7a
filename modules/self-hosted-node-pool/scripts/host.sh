# What the other scripts share; it comes first, after the settings of the host. Runs as root, in bash.
#
# In a pipe it is `grep >/dev/null`, never `grep -q`, which ends early and so makes the program before it fail.
set -euo pipefail
umask 077

readonly STATE=/var/lib/kpo-provision
readonly RECORD=$STATE/files     # every file and folder that is ours, a line each: `f PATH` or `d PATH`
readonly BEFORE=$STATE/before    # what stood where a file of ours stands now
readonly INSTALLED=$STATE/installed  # what came from a bundle, in the same form; it goes last
readonly KUBELET_CONF=/etc/kubernetes/kubelet.conf
readonly KUBELET_LOGINS=/var/lib/kubelet/config.json  # where a kubelet looks for registry logins of the node's own
readonly CONTAINERD_SOCKET=/run/containerd/containerd.sock
readonly LOCK=/run/lock/kpo-provision.lock
readonly LOCK_PATIENCE_S=1200

# What only this run needs, secrets among it: in memory, and gone when it ends.
RUN=$(mktemp -d /run/kpo-provision-XXXXXX)
readonly RUN
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$RUN"' EXIT

say() { printf '%s: %s\n' "$NODE" "$*"; }

# die WHAT NEXT: ends with one sentence and what to do about it.
die() {
  printf '%s: %s\n  next: %s\n' "$NODE" "$1" "$2" >&2
  exit 1
}

# Two runs on one host would undo each other's work half way.
hold_lock() {
  exec 9>"$LOCK"
  flock -w "$LOCK_PATIENCE_S" 9 || die "another run has worked on this host for $LOCK_PATIENCE_S s" "let it end, or end it: fuser $LOCK"
}

# A message of a program in one line, its end first to be kept.
shorten() { tr -s '\n\t ' ' ' | tail -c "${1:-600}"; }

# What a service said last of its failure; what systemd says of it tells nothing more.
journal_of() {
  journalctl -u "$1" -n 60 --no-pager -o cat 2>/dev/null | grep -iE 'err|fail|fatal|panic|refus|cannot' |
    grep -v "^$1\.service: \|^Failed to start " | tail -n 2 | shorten || true
}

# A module that is built into the kernel is in no list of modules.
is_loaded() {
  case "$1" in
    overlay) grep -qw overlay /proc/filesystems ;;
    br_netfilter) [ -d /proc/sys/net/bridge ] ;;
  esac
}

can_load() { is_loaded "$1" || modprobe -nq "$1"; }

node_api() { kubectl --cache-dir "$RUN/kubectl" --kubeconfig "$KUBELET_CONF" --request-timeout=20s "$@"; }

readonly MOST_RESTARTS=3  # of a kubelet, until nothing better is expected of it

# Without having systemd read all units again, which it does for seconds on a busy host: none of them changes.
enable_unit() { systemctl is-enabled -q "$1" || systemctl enable -q --no-reload "$1"; }

count_restarts() { systemctl show kubelet -p NRestarts --value; }

is_joined() { [ -s "$KUBELET_CONF" ]; }

# The API server that the kubelet was told, without `https://`.
known_api_server() { sed -n 's|^ *server: https://||p' "$KUBELET_CONF" | head -n 1; }

# The pin of the CA that the kubelet trusts, as kubeadm counts it: SHA-256 of the DER SubjectPublicKeyInfo.
known_ca_pin() {
  [ -s /etc/kubernetes/pki/ca.crt ] || return 0
  printf 'sha256:%s' "$(openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der | sha256sum | cut -d ' ' -f 1)"
}

is_ours_to_touch() { [ "$(known_api_server)" = "$API_SERVER" ] && [[ " $CA_PINS " == *" $(known_ca_pin) "* ]]; }

# fresh, half (a join that ended before its end) or joined.
membership() {
  if is_joined; then
    is_ours_to_touch || die "this host belongs to another cluster, $(known_api_server)" "take it out of that cluster first, or out of the spec"
    judge_node
  elif [ -e /etc/kubernetes/pki/ca.crt ] || [ -e /etc/kubernetes/bootstrap-kubelet.conf ]; then
    printf half
  else
    printf fresh
  fi
}

# A kubelet.conf alone makes no node: kubeadm writes it before the kubelet has its certificate and its Node.
judge_node() {
  local answer
  if [ ! -s /var/lib/kubelet/pki/kubelet-client-current.pem ]; then
    printf half
  elif answer=$(node_api get node "$NODE" -o name 2>&1); then
    printf joined
  elif grep -q NotFound <<<"$answer"; then
    printf half
  elif grep -qi 'unauthorized\|expired\|must be logged in' <<<"$answer"; then
    die "the certificate of its kubelet is of no use any more: $(shorten 200 <<<"$answer")" 'take the host out of the spec, apply, and put it in again'
  else
    printf joined
  fi
}
