# Takes a host out of the cluster: waits for what runs there, then leaves the host as it was.

readonly RULE_OWNERS='KUBE-|CNI-|cali-|cilium_|FLANNEL'

leave() {
  if is_joined && ! is_ours_to_touch; then
    say "belongs to another cluster, $(known_api_server): nothing is done"
    return
  fi
  if is_joined && can_ask; then
    cordon
    wait_for_pods
  fi
  remove_node
  [ ! -d "$STATE" ] || give_all_back
  ! changed /etc/systemd/system || systemctl daemon-reload
  give_containerd_back
  remove_absent
  remove_installed
  rm -rf "$STATE" .kpo-provision/bundle .kpo-provision/bundle.part .kpo-provision-{join,converge,logins}
  say 'has left'
}

give_containerd_back() {
  local enabled='' active=''
  [ ! -e "$STATE/containerd" ] || read -r enabled active <"$STATE/containerd"
  [ "$enabled" != disabled ] || systemctl disable -q containerd
  case "$active" in
    active) ! changed /etc/containerd || systemctl restart containerd || true ;;
    inactive | failed) systemctl stop containerd || true ;;
  esac
}

remove_absent() {
  local path
  [ -e "$STATE/absent" ] || return 0
  while read -r path; do
    # What is still mounted there is not ours to empty.
    findmnt -n "$path" >/dev/null || rm -rf --one-file-system "$path"
  done <"$STATE/absent"
}

# What came from a bundle goes last: leaving needed it. With a containerd that was ours goes what it kept, but nothing
# that was here before it.
remove_installed() {
  local path
  [ -e "$INSTALLED" ] || return 0
  if grep -qxF 'f /usr/local/bin/containerd' "$INSTALLED"; then
    systemctl stop containerd || true
    pkill -9 -f "^[^ ]*containerd-shim[^ ]* .*-address $CONTAINERD_SOCKET" || true
    unmount_below /run/containerd
  fi
  while read -r path; do find "$path" -xdev -mindepth 1 -delete 2>/dev/null || true; done < <(sed -n 's|^e ||p' "$INSTALLED")
  while read -r path; do rm -f "$path"; done < <(sed -n 's|^f ||p' "$INSTALLED")
  while read -r path; do rmdir "$path" 2>/dev/null || true; done < <(sed -n 's|^d ||p' "$INSTALLED" | tac)
  systemctl daemon-reload
}

# For the API server the node is gone from now on, so that a host of its name may join.
tell_not_ready() {
  node_api patch node "$NODE" --subresource=status --type=strategic -p \
    '{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Left","message":"kpo-provision took it out"}]}}' >/dev/null 2>&1 || true
}

can_ask() { node_api get node "$NODE" -o name >/dev/null 2>&1; }

cordon() {
  [ "$(node_api get node "$NODE" -o 'jsonpath={.spec.unschedulable}')" = true ] ||
    node_api patch node "$NODE" -p '{"metadata":{"annotations":{"kpo-provision.io/leaving":"true"}},"spec":{"unschedulable":true}}' >/dev/null
}

# A line a pod: namespace, name, kind of its controller (`-` where it has none), whether it is a static pod's mirror.
list_pods() {
  node_api get pods -A --field-selector "spec.nodeName=$NODE,status.phase!=Succeeded,status.phase!=Failed" \
    -o 'go-template={{range .items}}{{.metadata.namespace}} {{.metadata.name}} {{with .metadata.ownerReferences}}{{range .}}{{if .controller}}{{.kind}}{{end}}{{end}}{{else}}-{{end}} {{with .metadata.annotations}}{{index . "kubernetes.io/config.mirror"}}{{end}}{{"\n"}}{{end}}'
}

evict() {
  printf '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"%s","namespace":"%s"}}' "$2" "$1" |
    node_api create --raw "/api/v1/namespaces/$1/pods/$2/eviction" -f - >/dev/null 2>&1 || true  # refused by a budget: again in a moment
}

# A pod with a controller is made anew elsewhere. KPO pods have none: they are waited for, as nobody makes them again.
wait_for_pods() {
  local deadline=$((SECONDS + DRAIN_TIMEOUT_S)) told=-10 pods running namespace name kind
  while true; do
    pods=$(list_pods) || die 'the API server does not say which pods run here' 'run again when it answers'
    running=
    while read -r namespace name kind _; do
      case "$kind" in
        '' | DaemonSet | Node) ;;
        -) running+=" $namespace/$name" ;;
        *)
          running+=" $namespace/$name"
          evict "$namespace" "$name"
          ;;
      esac
    done <<<"$pods"
    [ -n "$running" ] || return 0
    [ "$SECONDS" -lt "$deadline" ] || die "these pods still run after $DRAIN_TIMEOUT_S s:$running" "wait for them and run again, or end them with --force"
    if [ $((SECONDS - told)) -ge 5 ]; then
      say "waits for$running"
      told=$SECONDS
    fi
    sleep 2
  done
}

remove_node() {
  [ -e /etc/kubernetes ] || [ -e /var/lib/kubelet/config.yaml ] || return 0
  systemctl disable -q --now kubelet || true
  ! is_joined || tell_not_ready
  timeout 180 kubeadm reset -f --cri-socket "unix://$CONTAINERD_SOCKET" >/dev/null 2>&1 || true
  unmount_below /var/lib/kubelet
  shred -u /var/lib/kubelet/pki/* 2>/dev/null || true
  rm -rf /etc/kubernetes/pki /etc/kubernetes/manifests /etc/kubernetes/*.conf /var/log/pods /var/log/containers /var/lib/cni
  find /var/lib/kubelet -mindepth 1 -delete 2>/dev/null || true
  rm -f /etc/systemd/logind.conf.d/99-kubelet.conf
  remove_links
  remove_rules
}

unmount_below() {
  local tries mounted
  for tries in 1 2 3 4; do
    mounted=$(awk -v below="$1/" 'index($2, below) == 1 {print $2}' /proc/mounts | tac)
    [ -n "$mounted" ] || return 0
    while read -r path; do umount -f "$path" 2>/dev/null || umount -l "$path" || true; done <<<"$mounted"
    sleep "$tries"
  done
}

remove_links() {
  local link
  for link in /sys/class/net/*; do
    link=${link##*/}
    [[ "$link" =~ ^(cni0|flannel\.|cali|vxlan\.calico|cilium_|kube-ipvs0|veth) ]] || continue
    grep -qxF "$link" "$STATE/links" 2>/dev/null || ip link delete "$link" 2>/dev/null || true
  done
}

# Never `iptables -F`: the host's own rules are not ours.
remove_rules() {
  local tool
  for tool in iptables ip6tables; do
    command -v "$tool-save" >/dev/null || continue
    "$tool-save" 2>/dev/null | grep -E "$RULE_OWNERS" >/dev/null || continue
    "$tool-save" | grep -vE "$RULE_OWNERS" | "$tool-restore"
  done
}
