# Makes a host a node of the cluster, from whatever an earlier run left of it.

readonly SIGNED_WITHIN_S=10

join() {
  local state
  state=$(membership)
  case "$state" in
    joined)
      converge
      import_images
      say 'is a node already'
      ;;
    half)
      say 'an earlier run ended half way: begin anew'
      reset_kubeadm
      converge
      import_images
      join_anew
      ;;
    fresh)
      converge
      import_images
      join_anew
      ;;
  esac
  wait_for_ready
  # From an earlier time in the cluster, which ended with this.
  [ "$(<"$RUN/leaving")" != true ] ||
    node_api patch node "$NODE" -p '{"metadata":{"annotations":{"kpo-provision.io/leaving":null}},"spec":{"unschedulable":false}}' >/dev/null
  sha256sum <"$KUBELET_PATCH" >"$STATE/rolled"
  say 'is ready'
}

# Images that a bundle brought, which no garbage collection may take: nobody could pull them again.
import_images() {
  local archive name names how=''
  [ -d "$STATE/bundle" ] || return 0
  # Only so does ctr say whole names, and does containerd 1.7 show the images to kubelets; older ones know no other way.
  ! ctr images import --help | grep -e --local >/dev/null || how=--local
  for archive in "$STATE"/bundle/images/*; do
    [ -e "$archive" ] || continue
    ctr --address "$CONTAINERD_SOCKET" -n k8s.io images import $how "$archive" >"$RUN/import" 2>&1 ||
      die "containerd does not take the images in ${archive##*/} of the bundle: $(tail -n 1 "$RUN/import" | shorten 300)" 'make room below /var/lib/containerd, or put them into the bundle anew; then run again'
    names=$(sed -n 's/^unpacking \([^ ]*\) .*/\1/p' "$RUN/import")
    [ -n "$names" ] || die "containerd does not say which images ${archive##*/} of the bundle has: $(shorten 300 <"$RUN/import")" 'put them into the bundle anew, by name and tag; then run again'
    while read -r name; do
      ctr --address "$CONTAINERD_SOCKET" -n k8s.io images label "$name" io.cri-containerd.pinned=pinned >/dev/null
    done <<<"$names"
    rm -f "$archive"
  done
  rm -rf "$STATE/bundle"
}

join_anew() {
  local log=$RUN/kubeadm.log content
  # By the shell itself: what a program is given as an argument, everybody on the host can read.
  content=$(</etc/kubernetes/kpo-provision/join.yaml)
  printf '%s\n' "${content//@TOKEN@/$TOKEN}" >"$RUN/join.yaml"
  require_signature "${TOKEN%%.*}"
  enable_unit kubelet
  say 'join the cluster'
  # A proxy is for images, not for the API server.
  env -u HTTP_PROXY -u HTTPS_PROXY -u http_proxy -u https_proxy \
    kubeadm join --config "$RUN/join.yaml" >"$log" 2>&1 &
  if ! end_with_kubelet "$!"; then
    die "kubeadm join failed: $(explain_join "$log")" "$(advise_join "$log")"
  fi
}

# kubeadm would look for the signature for minutes, and then not say that the token is of no use any more.
require_signature() {
  local waited=0 answer
  until answer=$(curl -sk --noproxy '*' --max-time 5 "https://$API_SERVER/api/v1/namespaces/kube-public/configmaps/cluster-info") &&
    grep -q "jws-kubeconfig-$1" <<<"$answer"; do
    waited=$((waited + 1))
    if [ "$waited" -ge "$SIGNED_WITHIN_S" ]; then
      [ -n "$answer" ] || die "https://$API_SERVER does not answer" 'open the way to it, then run again'
      grep -q '"kubeconfig"' <<<"$answer" || die "the API server does not show cluster-info to hosts: $(shorten 200 <<<"$answer")" 'allow it: kubeadm init phase bootstrap-token'
      die "the bootstrap token has expired or was deleted: kube-public/cluster-info is not signed with it" 'run again, which makes another'
    fi
    sleep 1
  done
}

# end_with_kubelet PID: waits for kubeadm, which waits for a kubelet that may never stay up. Asked often from the start:
# systemd may give up on a kubelet after a few restarts within seconds, and then counts no more.
end_with_kubelet() {
  local first='' now
  while kill -0 "$1" 2>/dev/null; do
    if [ -e /var/lib/kubelet/config.yaml ]; then
      now=$(count_restarts)
      first=${first:-$now}
      if [ $((now - first)) -ge "$MOST_RESTARTS" ]; then
        kill "$1"
        wait "$1" || true
        die "the kubelet ends again and again: $(journal_of kubelet)" 'look at: journalctl -u kubelet; then run again, which begins anew'
      fi
    fi
    sleep 0.5
  done
  wait "$1"
}

# kubeadm's own findings, or else what it and the kubelet said last.
explain_join() {
  if grep '\[ERROR ' "$1" >/dev/null; then
    sed -n 's/^[[:space:]]*\[ERROR \([^]]*\)\]: /\1: /p' "$1" | head -n 3 | tr -s '\n\t ' ' ' | head -c 240
    return
  fi
  grep -iE 'error|timed out|couldn.t|unable|fail' "$1" | grep -v 'please check\|--v=5' | tail -n 1 | shorten 160
  journal_of kubelet
}

advise_join() {
  if grep -qiE 'JWS|token id|token .* expired|unauthorized' "$1"; then
    printf 'the token is of no use any more: run again, which makes another'
  elif grep -qiE 'x509|certificate' "$1"; then
    printf 'compare the clock of the host, and the CA that its cluster has'
  elif grep -qiE 'connection refused|no route|i/o timeout|deadline exceeded|connect:' "$1"; then
    printf 'see that the host reaches https://%s' "$API_SERVER"
  else
    printf 'look at: journalctl -u kubelet; then run again, which begins anew'
  fi
}

reset_kubeadm() {
  systemctl stop kubelet || true
  kubeadm reset -f --cri-socket "unix://$CONTAINERD_SOCKET" >/dev/null 2>&1 || true
  rm -rf /etc/kubernetes/pki /etc/kubernetes/kubelet.conf /etc/kubernetes/bootstrap-kubelet.conf
}
