# Looks at a host and changes nothing: every finding at once, a line each, fields parted by tabs.
#
#   fact     NAME  VALUE
#   finding  CODE  fatal|warning  WHAT  NEXT

fact() { printf 'fact\t%s\t%s\n' "$1" "$2"; }
finding() { printf 'finding\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(shorten 300 <<<"$3")" "$4"; }

# expect CODE SEVERITY WHAT NEXT COMMAND...: a finding where the command fails.
expect() {
  local code=$1 severity=$2 what=$3 next=$4
  shift 4
  "$@" >/dev/null 2>&1 || finding "$code" "$severity" "$what" "$next"
}

preflight() {
  look_at_system
  look_at_kernel
  look_at_identity
  look_at_time
  look_at_disk
  look_at_programs
  look_at_network
  look_at_leftovers
}

look_at_system() {
  local id version machine memory_ki cpus
  read -r id version < <(. /etc/os-release && printf '%s %s\n' "${ID:-unknown}" "${VERSION_ID:-}")
  machine=$(uname -m)
  memory_ki=$(awk '/^MemTotal/{print $2}' /proc/meminfo)
  cpus=$(nproc)
  fact os "$id $version"
  fact memoryKi "$memory_ki"
  fact cpus "$cpus"
  expect host-systemd fatal 'systemd does not run as init' 'use a host that systemd started' test -d /run/systemd/system
  expect host-os warning "$id $version is no distribution that this was tried on" 'debian 12, 13, ubuntu 22.04, 24.04, rhel 9, rocky 9 and alma 9 are' is_known_system "$id" "${version%%.*}"
  expect host-architecture fatal "its architecture is $machine, and the pool is for $ARCHITECTURE" 'set architecture of the pool' is_architecture "$machine"
  expect host-memory fatal "it has $memory_ki KiB of memory, less than the $MEMORY_KI KiB that the pool is planned for" 'give it more, or state what it has in sizing.machineTypes' test "$memory_ki" -ge "$MEMORY_KI"
  expect host-cpus fatal "it has $cpus CPUs, fewer than the $CPUS that the pool is planned for" 'give it more, or state what it has in sizing.machineTypes' test "$cpus" -ge "$CPUS"
  expect host-reboot warning 'a reboot is pending' 'reboot it first' test ! -e /run/reboot-required
}

is_architecture() { [[ ' x86_64:amd64 aarch64:arm64 ' == *" $1:$ARCHITECTURE "* ]]; }
is_known_system() { [[ ' debian:12 debian:13 ubuntu:22 ubuntu:24 rhel:9 rocky:9 almalinux:9 ' == *" $1:$2 "* ]]; }

look_at_kernel() {
  local kernel module inotify
  kernel=$(</proc/sys/kernel/osrelease)
  expect host-kernel warning "kernel $kernel is older than 5.10" 'update it' is_at_least 5.10 "$kernel"
  for module in overlay br_netfilter; do
    expect host-module fatal "the kernel module $module is not there" 'install the modules of the kernel that runs' can_load "$module"
  done
  if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
    finding host-swap fatal 'swap is on, with which a kubelet does not start' 'swapoff -a, and take it out of /etc/fstab'
  fi
  if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
    if [ "$ALLOW_CGROUP_V1" = true ]; then
      finding host-cgroup warning 'its control groups are version 1, which Kubernetes 1.38 may no longer run on' 'boot it with systemd.unified_cgroup_hierarchy=1'
    else
      finding host-cgroup fatal 'its control groups are version 1, with which a kubelet from 1.35 on does not start' 'boot it with systemd.unified_cgroup_hierarchy=1, or set target.selfHosted.allowCgroupV1'
    fi
  else
    for controller in cpu cpuset memory pids; do
      expect host-cgroup fatal "the control group controller $controller is off" "boot it with cgroup_enable=$controller" grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers
    done
  fi
  [ "$(</proc/sys/net/ipv4/ip_forward)" = 1 ] || expect host-forwarding fatal 'IPv4 forwarding cannot be switched on' 'see who forbids it: sysctl net.ipv4.ip_forward' test -w /proc/sys/net/ipv4/ip_forward
  inotify=$(</proc/sys/fs/inotify/max_user_instances)
  expect host-inotify warning "only $inotify inotify instances are allowed" 'sysctl fs.inotify.max_user_instances=8192' test "$inotify" -ge 512
}

look_at_identity() {
  local name
  name=$(</proc/sys/kernel/hostname)
  fact machineId "$(cat /etc/machine-id 2>/dev/null)"
  expect host-machine-id fatal '/etc/machine-id is empty' 'systemd-machine-id-setup, then reboot' test -s /etc/machine-id
  expect host-name warning "its own name $name does not resolve on it" "add it to /etc/hosts" getent hosts "$name"
  expect host-address fatal "$NODE_ADDRESS is no address of this host" 'set nodeAddress of the host in the spec' has_address "$NODE_ADDRESS"
  expect host-route fatal 'it has no default route' 'add one; without a network, to a dummy interface' has_route
}

has_address() { ip -o address show | grep -wF -- "$1"; }
has_route() { [ -n "$(ip route show default; ip -6 route show default)" ]; }

look_at_time() {
  local skew
  skew=$(($(date -u +%s) - NOW))
  if [ "${skew#-}" -gt 30 ]; then
    finding host-clock fatal "its clock is ${skew#-} s $([ "$skew" -gt 0 ] && printf ahead || printf behind)" 'set it, and keep it with chrony: certificates and tokens depend on it'
  elif ! systemctl is-active -q chrony chronyd ntp ntpd ntpsec openntpd systemd-timesyncd; then
    finding host-ntp warning 'nothing keeps its clock right' 'run chrony or systemd-timesyncd'
  fi
}

look_at_disk() {
  local free_mib free blocks size inodes free_inodes type
  read -r free blocks size inodes free_inodes type < <(stat -f -c '%a %b %S %c %d %T' /var/lib)
  free_mib=$((free * size / 1048576))
  fact storageKi "$(storage_ki)"
  if [ "$free_mib" -lt "$MIN_DISK_MIB" ]; then
    finding host-disk fatal "only $free_mib MiB are free under /var/lib, and $MIN_DISK_MIB are needed" 'make room, or mount a larger disk there'
  fi
  expect host-disk-share warning 'less than 20 % of the disk under /var/lib is free: a kubelet evicts at 10 %' 'make room' test "$((100 * free))" -ge "$((20 * blocks))"
  # Of file systems that count no inodes, both are 0.
  expect host-inodes fatal 'less than 10 % of the inodes under /var/lib are free: a kubelet evicts at 5 %' 'make room' test "$((100 * free_inodes))" -ge "$((10 * inodes))"
  expect host-disk-exec fatal '/var/lib is mounted noexec, and containers live there' 'mount it without noexec' may_execute
  [[ "$type" != nfs* ]] || finding host-disk-type fatal '/var/lib is on a network file system' 'mount a local disk there'
}

# What the kubelet will count, whose folder may be a disk of its own.
storage_ki() {
  local folder=/var/lib
  [ ! -d /var/lib/kubelet ] || folder=/var/lib/kubelet
  printf '%s' "$(($(stat -f -c '%b*%S/1024' "$folder")))"
}

may_execute() { [[ ",$(findmnt -no OPTIONS -T /var/lib)," != *,noexec,* ]]; }

look_at_programs() {
  local missing='' program unit version minor
  for program in containerd runc ctr kubelet kubeadm kubectl curl flock ip iptables mount nsenter openssl tar; do
    command -v "$program" >/dev/null || will_come "$program" || missing+=" $program"
  done
  [ -z "$missing" ] || finding host-programs fatal "it lacks:$missing" 'install them from the packages of your distribution and of Kubernetes, or from a bundle'
  if unit=$(systemctl cat kubelet 2>/dev/null); then
    [[ "$unit" == *KUBELET_KUBEADM_ARGS* ]] ||
      finding host-kubelet-unit fatal 'kubelet.service does not pass on $KUBELET_KUBEADM_ARGS, and so loses labels and taints' 'install the drop-in 10-kubeadm.conf of the package kubeadm'
  elif ! will_come kubelet; then
    finding host-units fatal 'there is no unit kubelet.service' 'install it from the package kubelet'
  fi
  if command -v containerd >/dev/null || will_come containerd; then
    version=$(containerd_version)
    is_config_ours || look_at_foreign_config "$version"
    expect host-containerd fatal "containerd $version is too old for Kubernetes 1.$MINOR" "install $(oldest_containerd) or newer" is_at_least "$(oldest_containerd)" "$version"
  fi
  version=$(kubelet_version)
  if [ -n "$version" ]; then
    minor=${version#1.}
    minor=${minor%%.*}
    if [ "$minor" -gt "$SERVER_MINOR" ]; then
      finding host-skew fatal "kubelet $version is newer than the API server, which is 1.$SERVER_MINOR" 'a kubelet is never newer than any API server: install an older one'
    elif [ "$minor" -lt $((SERVER_MINOR - 3)) ]; then
      finding host-skew fatal "kubelet $version is more than three minor versions older than the API server, which is 1.$SERVER_MINOR" 'install a newer one'
    fi
  fi
  version=$(kubeadm_version)
  if [ -n "$version" ]; then
    minor=${version#1.}
    expect host-kubeadm fatal "kubeadm $version is of another minor version than the cluster, 1.$SERVER_MINOR" "install kubeadm 1.$SERVER_MINOR" test "${minor%%.*}" = "$SERVER_MINOR"
  fi
}

# Whether a program is not here and in the bundle that the host is given when it joins.
will_come() { [[ " $BUNDLE_PROGRAMS " == *" $1 "* ]] && ! command -v "$1" >/dev/null; }

kubelet_version() {
  if command -v kubelet >/dev/null; then
    kubelet --version | sed 's/.* v\(1\.[0-9.]*\).*/\1/'
  elif will_come kubelet; then
    printf '%s' "$BUNDLE_KUBERNETES"
  fi
}

kubeadm_version() {
  local found
  if command -v kubeadm >/dev/null; then
    found=$(kubeadm version -o short)
    printf '%s' "${found#v}"
  elif will_come kubeadm; then
    printf '%s' "$BUNDLE_KUBERNETES"
  fi
}

look_at_foreign_config() {
  local why
  why=$(explain_unmergeable "$1")
  if [ -n "$why" ]; then
    finding host-containerd-config fatal "${why%%$'\t'*}" "${why#*$'\t'}"
  else
    finding host-containerd-config warning "containerd has a configuration of its own, which stays" "ours is merged into it: $CONTAINERD_DROP_IN"
  fi
}

# The oldest that containerd's table of supported releases names (containerd.io/releases, read 2026-11-23).
oldest_containerd() {
  case "$MINOR" in
    2? | 30 | 31) printf 1.6.34 ;;
    32 | 33) printf 1.6.36 ;;
    34) printf 1.6.39 ;;
    35) printf 1.7.28 ;;
    *) printf 2.2.0 ;;
  esac
}

look_at_network() {
  local registry answer
  expect host-api-name fatal "the name of the API server, ${API_SERVER%:*}, does not resolve" 'add it to the DNS, or to /etc/hosts' resolves "$API_SERVER"
  answer=$(curl -sSk --noproxy '*' --max-time 10 -o /dev/null "https://$API_SERVER/version" 2>&1) ||
    finding host-api fatal "https://$API_SERVER does not answer: $answer" 'open the way to it: firewall, routes, load balancer'
  for registry in $REGISTRIES; do
    look_at_registry "$registry"
  done
  expect host-nameserver warning '/etc/resolv.conf names no server' 'pods that ask the host for names get no answer' grep -Eq '^nameserver' /etc/resolv.conf
  expect host-firewall warning 'firewalld is active' 'open 10250/tcp to the control plane, and what the CNI plugin needs' is_inactive firewalld
}

# look_at_registry URL: asks as containerd will, by the same proxy. Whether a certificate is trusted is containerd's to
# say, which is told its CA.
look_at_registry() {
  local by=${IMAGE_PROXY:+, by the proxy $IMAGE_PROXY} answer code=0
  answer=$(curl -sSk --max-time 10 -o /dev/null -w 'HTTP %{http_code}' --proxy "$IMAGE_PROXY" --noproxy "$IMAGE_NO_PROXY" "$1/v2/" 2>&1) || code=$?
  case "$code $answer" in
    '0 HTTP 5'*) finding host-registry fatal "$1$by answers $answer" 'see what the registry, or the proxy, has to say of it' ;;
    0\ *) ;;
    6\ *) finding host-registry-name fatal "the name of the registry, $1, does not resolve" 'add it to the DNS, or to /etc/hosts' ;;
    *) finding host-registry fatal "$1$by does not answer: ${answer/HTTP 000/}" 'open the way to it: firewall, routes, proxy' ;;
  esac
}

resolves() {
  local name=${1%:*}
  name=${name#[}
  getent ahosts "${name%]}"
}

is_inactive() { ! systemctl is-active -q "$1"; }

look_at_leftovers() {
  local pid
  # What an earlier run came to: one that was killed may have told Terraform more than it did.
  fact membership "$(membership 2>/dev/null || printf foreign)"
  fact applied "$(cat "$STATE/applied" 2>/dev/null || true)"
  ! grep -qsxF "f $KUBELET_LOGINS" "$RECORD" || fact logins "$(sha256sum <"$KUBELET_LOGINS" | cut -d ' ' -f 1)"
  if [ -n "$(ls -A /etc/kubernetes/manifests 2>/dev/null)" ]; then
    finding host-control-plane fatal 'static pods are in /etc/kubernetes/manifests: it is a control plane' 'take it out of the spec'
  fi
  for program in /usr/local/bin/k3s /var/lib/rancher /usr/local/bin/k0s /snap/bin/microk8s; do
    [ ! -e "$program" ] || finding host-distribution fatal "another Kubernetes is installed: $program" "remove it with its own uninstaller"
  done
  if is_joined; then
    is_ours_to_touch ||
      finding host-foreign fatal "it belongs to another cluster, $(known_api_server)" 'take it out of that cluster first, or out of the spec'
  else
    pid=$(ss -Hltnp 'sport = :10250' 2>/dev/null || true)
    [ -z "$pid" ] || finding host-port fatal 'port 10250 is taken, which is the kubelet'"'"'s' 'stop what listens there: ss -ltnp'
  fi
  expect host-docker warning 'docker runs beside containerd, and its images count against the same disk' 'leave it, or stop it' is_inactive docker
}

readonly LOOK_HOLDS_S=600

# For a run without anybody who reads findings: fatal ones end it, before anything is touched.
require_preflight() {
  local found
  [ $((NOW - LOOKED_AT)) -ge "$LOOK_HOLDS_S" ] || return 0
  found=$(preflight)
  while IFS=$'\t' read -r _ code _ what next; do
    printf '%s: %s (%s)\n  next: %s\n' "$NODE" "$what" "$code" "$next" >&2
  done < <(grep -P '^finding\t[^\t]*\tfatal' <<<"$found")
  ! grep -qP '^finding\t[^\t]*\tfatal' <<<"$found" || exit 1
}
