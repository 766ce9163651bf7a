# Brings a host to what is wanted of it, whether it has joined or not; does nothing where nothing differs.

readonly PATCHES=/etc/kubernetes/patches
readonly KUBELET_PATCH=$PATCHES/kubeletconfiguration0+strategic.yaml
readonly KUBELET_CONFIG=/var/lib/kubelet/config.yaml
readonly HEALTHY_FOR_S=4  # a kubelet that refuses its configuration ends within two seconds
readonly HEALTHY_WITHIN_S=60
readonly FIRST_PATIENCE_S=60

# take_secrets FILE: keeps in memory alone, before anything can go wrong, the bootstrap token, when somebody last looked
# at this host, and the registry logins: a line, a line, and the rest of the file.
take_secrets() {
  { read -r TOKEN && read -r LOOKED_AT && LOGINS=$(cat); } <"$1"
  readonly TOKEN LOOKED_AT LOGINS
  rm -f "$1"
}

want_logins() { [ -z "$LOGINS" ] || printf '%s\n' "$LOGINS" | want "$KUBELET_LOGINS" 600; }

# For a run that is given none: those stay that an earlier one put there, unless the host is to have none any more.
keep_logins() { ! "$HAS_LOGINS" || ! is_recorded "f $KUBELET_LOGINS" || want "$KUBELET_LOGINS" 600 <"$KUBELET_LOGINS"; }

# give_logins FILE: puts in place the registry logins that the file holds, and nothing else.
give_logins() {
  LOGINS=$(cat "$1")
  rm -f "$1"
  is_member || return 0
  hold_lock
  want_logins
  [ ! -e "$WANTED$KUBELET_LOGINS" ] || put "$KUBELET_LOGINS" "$WANTED$KUBELET_LOGINS"
}

# A host that has not joined is told everything by joining. What ends membership ends a subshell alone.
is_member() {
  local state
  state=$(membership) || exit 1
  [ "$state" != joined ] || return 0
  say 'is told when it joins'
  return 1
}

converge_member() {
  is_member || return 0
  require_preflight
  hold_lock
  want_all
  keep_logins
  converge
}

converge() {
  local state
  state=$(membership)
  remember_before
  put_wanted
  load_modules
  ! changed /etc/sysctl.d/90-kpo-provision.conf || sysctl -q -p /etc/sysctl.d/90-kpo-provision.conf
  ! changed /etc/systemd/system/containerd.service.d || systemctl daemon-reload
  if changed /etc/containerd/conf || changed /etc/systemd/system/containerd.service.d || ! is_containerd_up; then
    enable_unit containerd
    require_in_effect
    restart_containerd
  fi
  if [ "$state" = joined ] && { changed "$KUBELET_PATCH" || ! is_kubelet_as_patched; }; then
    roll_kubelet
  fi
  rm -f "$PENDING"
  printf '%s' "$FINGERPRINT" >"$STATE/applied"
}

load_modules() {
  local module
  for module in overlay br_netfilter; do
    is_loaded "$module" || modprobe -q "$module" ||
      die "the kernel module $module cannot be loaded" "install the kernel's modules, or load it before modules are locked"
  done
}

# kubeadm writes the configuration of the cluster with our patches on it; a run that was killed in between left the old.
is_kubelet_as_patched() { [ "$(cat "$STATE/rolled" 2>/dev/null)" = "$(sha256sum <"$KUBELET_PATCH")" ]; }

roll_kubelet() {
  local old
  say 'reconfigure the kubelet'
  old=$RUN/kubelet-config
  cp -p "$KUBELET_CONFIG" "$old"
  kubeadm upgrade node phase kubelet-config --patches "$PATCHES" >"$old.log" 2>&1 ||
    die "kubeadm cannot write the kubelet's configuration: $(shorten <"$old.log")" "run again when the API server answers"
  systemctl restart kubelet || true
  if ! is_kubelet_healthy; then
    local why
    why=$(journal_of kubelet)
    cp -p "$old" "$KUBELET_CONFIG"
    systemctl restart kubelet || true
    die "the kubelet does not run with its new configuration, and has its old one back: $why" "change what the spec says of the pool's nodes"
  fi
  sha256sum <"$KUBELET_PATCH" >"$STATE/rolled"
  wait_for_ready
}

is_kubelet_healthy() {
  local waited=0 healthy=0 first
  first=$(count_restarts)
  while [ "$waited" -lt "$HEALTHY_WITHIN_S" ]; do
    [ $(($(count_restarts) - first)) -lt "$MOST_RESTARTS" ] || return 1
    if [ "$(curl -s --noproxy '*' --max-time 2 http://127.0.0.1:10248/healthz || true)" = ok ]; then
      healthy=$((healthy + 1))
      [ "$healthy" -lt "$HEALTHY_FOR_S" ] || return 0
    else
      healthy=0
    fi
    waited=$((waited + 1))
    sleep 1
  done
  return 1
}

wait_for_ready() {
  local seen
  is_ready_within "$FIRST_PATIENCE_S" && return
  # On a busy host the kubelet gives up on its CSINode, and would not try again by itself.
  say 'is not ready yet: restart the kubelet'
  systemctl restart kubelet || true
  is_ready_within "$READY_TIMEOUT_S" && return
  seen=$(node_api get node "$NODE" -o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.reason}: {.message}{end}' 2>&1 || true)
  die "the node is not ready after $READY_TIMEOUT_S s: $(shorten 300 <<<"${seen:-$(<"$RUN/wait")}"); $(journal_of kubelet)" "look at: journalctl -u kubelet"
}

# is_ready_within SECONDS: its own patience is the only one: the limit of a single request would end the watch, and
# with it the wait. kubeadm may be done before the kubelet has registered a Node, which ends a wait at once. It notes in
# $RUN/leaving whether the node was on its way out: starting kubectl once more to ask costs a host a fifth of a second.
is_ready_within() {
  local end=$((SECONDS + $1)) left
  while left=$((end - SECONDS)) && [ "$left" -gt 0 ]; do
    ! node_api wait "node/$NODE" --for=condition=Ready "--timeout=${left}s" --request-timeout=0 \
      -o 'jsonpath={.metadata.annotations.kpo-provision\.io/leaving}' >"$RUN/leaving" 2>"$RUN/wait" || return 0
    sleep 1
  done
  return 1
}
