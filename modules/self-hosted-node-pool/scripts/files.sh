# Puts files in place, and gives back what was there before. `$WANTED` is a folder that holds what is to be there.

readonly WANTED=$RUN/wanted
readonly PENDING=$STATE/pending
CHANGED=
mkdir "$WANTED"

# want PATH MODE <content: takes the content of a file that is to be there.
want() { install -D -m "$2" /dev/stdin "$WANTED$1"; }

# A link is there whether what it leads to is or not.
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# Noted before it is done: what a run that ended in between put in place is still to be acted on by the next.
note_change() {
  CHANGED+=" $1"
  printf ' %s' "$1" >>"$PENDING"
}

changed() { [[ "$CHANGED" == *" $1"* ]]; }

is_recorded() { [ -e "$RECORD" ] && grep -qxF -- "$1" "$RECORD"; }

record() { is_recorded "$1" || printf '%s\n' "$1" >>"$RECORD"; }

make_folders() {
  local folder=$1
  [ -d "${folder:-/}" ] && return
  make_folders "${folder%/*}"
  record "d $folder"
  mkdir -m 755 "$folder"
}

# What stood there is kept once; the record comes after the copy, so that a run that was killed keeps it again.
keep_before() {
  is_recorded "f $1" && return
  if is_there "$1"; then
    mkdir -p "$BEFORE${1%/*}"
    cp -a "$1" "$BEFORE$1"
  fi
  record "f $1"
}

put() {
  local path=$1 from=$2
  is_there "$path" && cmp -s "$from" "$path" && [ "$(stat -c %a "$path")" = "$(stat -c %a "$from")" ] && return
  make_folders "${path%/*}"
  keep_before "$path"
  cp -p "$from" "$path.kpo-new"
  note_change "$path"
  mv -f "$path.kpo-new" "$path"
}

give_back() {
  note_change "$1"
  if is_there "$BEFORE$1"; then
    cp -a "$BEFORE$1" "$1.kpo-new"
    mv -f "$1.kpo-new" "$1"
  else
    rm -f "$1"
  fi
  # The copy goes last: a run that is killed before finds it again.
  grep -vxF -- "f $1" "$RECORD" >"$RECORD.new" || true
  mv "$RECORD.new" "$RECORD"
  rm -f "$BEFORE$1"
}

# Folders that kubeadm, the kubelet and network plugins fill, and would not take away.
readonly MADE_BY_OTHERS='/etc/kubernetes /etc/systemd/logind.conf.d /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers /usr/libexec/kubernetes'

# What of this is not here yet, which network links there are, and whether containerd was in use.
remember_before() {
  local path
  [ -e "$STATE/links" ] && return
  mkdir -p "$STATE"
  for path in $MADE_BY_OTHERS; do [ -e "$path" ] || printf '%s\n' "$path"; done >"$STATE/absent"
  printf '%s %s\n' "$(systemctl is-enabled containerd 2>/dev/null)" "$(systemctl is-active containerd 2>/dev/null)" >"$STATE/containerd"
  ls /sys/class/net >"$STATE/links.new"
  mv "$STATE/links.new" "$STATE/links"
}

list_recorded() { [ -e "$RECORD" ] && sed -n "s|^$1 ||p" "$RECORD"; return 0; }

put_wanted() {
  local path
  mkdir -p "$STATE"
  CHANGED=$(cat "$PENDING" 2>/dev/null || true)
  while read -r path; do
    [ -e "$WANTED$path" ] || give_back "$path"
  done < <(list_recorded f)
  while read -r path; do
    put "${path#"$WANTED"}" "$path"
  done < <(find "$WANTED" -type f | sort)
}

give_all_back() {
  local path
  while read -r path; do give_back "$path"; done < <(list_recorded f)
  # The deepest folders were recorded last.
  while read -r path; do rmdir "$path" 2>/dev/null || true; done < <(list_recorded d | tac)
}
