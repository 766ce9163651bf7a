# Hosts that join a cluster over SSH. Each is resources that know nothing of each other, so that a host that fails holds
# up no other: Terraform orders whole resources, never their instances. On the host a lock orders them.
locals {
  # Each resource has a folder of its own, for one that it shared could go the moment another makes something in it; the
  # bundle's is empty by now. Terraform empties a script that it has run, and leaves it there. What takes it away has to
  # survive the hang-up of the session's terminal.
  _tidy = join(" ", [
    "tidy() { trap '' HUP; rm -rf \".kpo-provision-$1\"; rmdir .kpo-provision 2>/dev/null;",
    "sh -c 'sleep 3; find . -maxdepth 1 -name \".kpo-provision-*.sh\" -size 0 -delete' >/dev/null 2>&1 </dev/null & }",
  ])

  # Lines of a file of their own: Terraform shows nothing of what a script says that has a secret in it.
  _secrets = join("\n", [var.join_token, var.looked_at, var.kubelet_logins])

  _become = { for name, host in var.hosts : name => host.user == "root" ? "bash" : "sudo -n bash" }

  _settings = {
    for name, host in var.hosts : name => join("", [
      for key, value in {
        ALLOW_CGROUP_V1 = tostring(host.allow_cgroup_v1)
        API_SERVER      = var.cluster.api_server
        ARCHITECTURE    = host.architecture
        CA_PINS         = join(" ", var.cluster.ca_pins)
        CPUS            = tostring(host.cpus)
        DRAIN_TIMEOUT_S = tostring(var.drain_timeout_seconds)
        HAS_LOGINS      = tostring(host.has_logins)
        IMAGE_NO_PROXY  = join(",", try(host.proxy.exceptions, []))
        IMAGE_PROXY     = try(host.proxy.url, "")
        MEMORY_KI       = tostring(host.memory_ki)
        MINOR           = split(".", var.cluster.version)[1]
        MIN_DISK_MIB    = tostring(var.min_disk_mib)
        NODE            = name
        NODE_ADDRESS    = coalesce(host.node_address, host.address)
        READY_TIMEOUT_S = tostring(var.ready_timeout_seconds)
        REGISTRIES      = join(" ", host.registries)
        SANDBOX_IMAGE   = host.sandbox_image == null ? "" : host.sandbox_image
        SERVER_MINOR    = split(".", var.cluster.version)[1]
      } : "readonly ${key}='${replace(value, "'", "'\\''")}'\n"
    ])
  }

  # Apart from the rest: what a host is told of leaving does not depend on it.
  _bundle_settings = join("", [
    for key, value in {
      BUNDLE_CONTAINERD = try(var.bundle.containerd, "")
      BUNDLE_KUBERNETES = try(var.bundle.kubernetes, "")
      BUNDLE_PROGRAMS   = join(" ", try(var.bundle.programs, []))
      BUNDLE_SHA256     = try(var.bundle.sha256, "")
    } : "readonly ${key}='${value}'\n"
  ])

  # What is wanted of a host, as calls of the scripts' own functions.
  _wanted = {
    for name, host in var.hosts : name => join("", concat(
      ["want_all() {\n"],
      [
        for path, file in host.files :
        "want '${path}' ${file.mode} <<'KPO_PROVISION_END'\n${trimsuffix(file.content, "\n")}\nKPO_PROVISION_END\n"
      ],
      [
        "choose_containerd_config \"$(cat <<'KPO_PROVISION_END'\n${host.containerd_config.v2}\nKPO_PROVISION_END\n)\" ",
        "\"$(cat <<'KPO_PROVISION_END'\n${host.containerd_config.v3}\nKPO_PROVISION_END\n)\"\n",
        "}\n",
      ],
    ))
  }

  _fingerprint = { for name, host in var.hosts : name => coalesce(host.fingerprint, sha256("${local._wanted[name]}${host.has_logins}")) }

  _converge_script = {
    for name, host in var.hosts : name => join("\n", [
      local._settings[name],
      local._bundle_settings,
      "readonly FINGERPRINT='${local._fingerprint[name]}'",
      file("${path.module}/scripts/host.sh"),
      file("${path.module}/scripts/files.sh"),
      file("${path.module}/scripts/containerd.sh"),
      file("${path.module}/scripts/converge.sh"),
    ])
  }

  _leave_script = {
    for name, host in var.hosts : name => join("\n", [
      local._settings[name],
      file("${path.module}/scripts/host.sh"),
      file("${path.module}/scripts/files.sh"),
      file("${path.module}/scripts/leave.sh"),
      "hold_lock",
      "leave",
      "",
    ])
  }
}

# Membership: made by joining, unmade by leaving.
resource "terraform_data" "host" {
  for_each = var.hosts

  # All that the way back needs: a provisioner that runs at the end sees nothing else. None of it is secret.
  input = {
    address       = each.value.address
    bastion       = each.value.bastion
    become        = local._become[each.key]
    host_key      = each.value.host_key
    identity_file = each.value.identity_file
    leave         = local._leave_script[each.key]
    node          = each.key
    pool          = each.value.pool
    port          = each.value.port
    tidy          = local._tidy
    user          = each.value.user
  }
  triggers_replace = [var.cluster.api_server, each.value.address]

  connection {
    type         = "ssh"
    host         = self.input.address
    host_key     = self.input.host_key
    port         = self.input.port
    user         = self.input.user
    agent        = self.input.identity_file == null
    private_key  = self.input.identity_file == null ? null : file(pathexpand(self.input.identity_file))
    script_path  = "./.kpo-provision-%RAND%.sh" # beside the files: /tmp may be noexec, and is everybody's
    timeout      = "1m"
    bastion_host = try(self.input.bastion.address, null)

    bastion_host_key    = try(self.input.bastion.host_key, null)
    bastion_port        = try(self.input.bastion.port, null)
    bastion_private_key = try(file(pathexpand(self.input.bastion.identity_file)), null)
    bastion_user        = try(self.input.bastion.user, null)
  }

  provisioner "remote-exec" {
    inline = ["umask 077; rm -rf .kpo-provision-join; mkdir .kpo-provision-join"]
  }

  provisioner "file" {
    destination = ".kpo-provision-join/secrets"
    content     = local._secrets
  }

  provisioner "remote-exec" {
    inline = [
      local._tidy,
      "trap 'tidy join' EXIT",
      "cat >.kpo-provision-join/run.sh <<'KPO_PROVISION_RUN'",
      local._converge_script[each.key],
      file("${path.module}/scripts/bundle.sh"),
      file("${path.module}/scripts/join.sh"),
      file("${path.module}/scripts/preflight.sh"),
      "readonly NOW=$(date -u -d '${timestamp()}' +%s)",
      local._wanted[each.key],
      "take_secrets \"$1\"",
      "require_preflight",
      "hold_lock",
      "install_bundle .kpo-provision/bundle",
      "want_all",
      "want_logins",
      "join",
      "KPO_PROVISION_RUN",
      "${self.input.become} .kpo-provision-join/run.sh .kpo-provision-join/secrets",
    ]
  }

  provisioner "remote-exec" {
    when = destroy
    inline = [
      "umask 077; rm -rf .kpo-provision-leave; mkdir .kpo-provision-leave",
      self.input.tidy,
      "trap 'tidy leave' EXIT",
      "cat >.kpo-provision-leave/run.sh <<'KPO_PROVISION_RUN'",
      self.input.leave,
      "KPO_PROVISION_RUN",
      "${self.input.become} .kpo-provision-leave/run.sh",
    ]
  }
}

# What a host is told beside its membership: made anew when it differs, which converges the host as it stands.
resource "terraform_data" "configuration" {
  for_each = var.hosts

  input            = { node = each.key, pool = each.value.pool }
  triggers_replace = [local._fingerprint[each.key]]

  connection {
    type         = "ssh"
    host         = each.value.address
    host_key     = each.value.host_key
    port         = each.value.port
    user         = each.value.user
    agent        = each.value.identity_file == null
    private_key  = each.value.identity_file == null ? null : file(pathexpand(each.value.identity_file))
    script_path  = "./.kpo-provision-%RAND%.sh"
    timeout      = "1m"
    bastion_host = try(each.value.bastion.address, null)

    bastion_host_key    = try(each.value.bastion.host_key, null)
    bastion_port        = try(each.value.bastion.port, null)
    bastion_private_key = try(file(pathexpand(each.value.bastion.identity_file)), null)
    bastion_user        = try(each.value.bastion.user, null)
  }

  provisioner "remote-exec" {
    inline = [
      "umask 077; rm -rf .kpo-provision-converge; mkdir .kpo-provision-converge",
      local._tidy,
      "trap 'tidy converge' EXIT",
      "cat >.kpo-provision-converge/run.sh <<'KPO_PROVISION_RUN'",
      local._converge_script[each.key],
      file("${path.module}/scripts/join.sh"),
      file("${path.module}/scripts/preflight.sh"),
      "readonly NOW=$(date -u -d '${timestamp()}' +%s) LOOKED_AT=0",
      local._wanted[each.key],
      "converge_member",
      "KPO_PROVISION_RUN",
      "${local._become[each.key]} .kpo-provision-converge/run.sh",
    ]
  }
}

# Apart from the rest of what a host is told: it takes an upload, and so two more connections, which most can do without.
resource "terraform_data" "logins" {
  for_each = { for name, host in var.hosts : name => host if host.has_logins }

  input = { node = each.key }

  connection {
    type         = "ssh"
    host         = each.value.address
    host_key     = each.value.host_key
    port         = each.value.port
    user         = each.value.user
    agent        = each.value.identity_file == null
    private_key  = each.value.identity_file == null ? null : file(pathexpand(each.value.identity_file))
    script_path  = "./.kpo-provision-%RAND%.sh"
    timeout      = "1m"
    bastion_host = try(each.value.bastion.address, null)

    bastion_host_key    = try(each.value.bastion.host_key, null)
    bastion_port        = try(each.value.bastion.port, null)
    bastion_private_key = try(file(pathexpand(each.value.bastion.identity_file)), null)
    bastion_user        = try(each.value.bastion.user, null)
  }

  provisioner "remote-exec" {
    inline = ["umask 077; rm -rf .kpo-provision-logins; mkdir .kpo-provision-logins"]
  }

  provisioner "file" {
    destination = ".kpo-provision-logins/secrets"
    content     = var.kubelet_logins
  }

  provisioner "remote-exec" {
    inline = [
      local._tidy,
      "trap 'tidy logins' EXIT",
      "cat >.kpo-provision-logins/run.sh <<'KPO_PROVISION_RUN'",
      local._converge_script[each.key],
      "give_logins \"$1\"",
      "KPO_PROVISION_RUN",
      "${local._become[each.key]} .kpo-provision-logins/run.sh .kpo-provision-logins/secrets",
    ]
  }
}
