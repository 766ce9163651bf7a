variable "cluster" {
  description = "The cluster to join: `api_server` is host and port as the hosts reach it, `ca_pins` are the SHA-256 pins of its CA as kubeadm writes them (two while the CA changes), `version` is that of its API server."
  type = object({
    api_server = string
    ca_pins    = list(string)
    version    = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[^/ ]+:[0-9]{1,5}$", var.cluster.api_server))
    error_message = "cluster.api_server must be host:port, such as 10.0.0.1:6443, without https://."
  }

  validation {
    condition     = length(var.cluster.ca_pins) > 0 && alltrue([for pin in var.cluster.ca_pins : can(regex("^sha256:[0-9a-f]{64}$", pin))])
    error_message = "cluster.ca_pins must hold at least one sha256: and 64 hexadecimal digits; a host that checks no CA would join anybody's cluster."
  }

  validation {
    condition     = can(regex("^1\\.[0-9]+(\\.[0-9]+)?$", var.cluster.version))
    error_message = "cluster.version must be a Kubernetes version, such as 1.36 or 1.36.3."
  }
}

variable "hosts" {
  description = "The hosts, by the name of their node. `host_key` is the host's public key, which is always checked; `fingerprint` tells one configuration from another, and is made of it when absent; `has_logins` says that its kubelet has registry logins of its own; `files` are what it is given, by path, and none of it may be secret; `registries` are the URLs that have to answer, by `proxy` if there is one; `containerd_config` has one for containerd 1.x (`v2`) and one for 2.x (`v3`)."
  type = map(object({
    address         = string
    allow_cgroup_v1 = optional(bool, false)
    architecture    = optional(string, "amd64")
    cpus            = optional(number, 2)
    fingerprint     = optional(string)
    has_logins      = optional(bool, false)
    host_key        = string
    identity_file   = optional(string)
    memory_ki       = optional(number, 1900000)
    node_address    = optional(string)
    pool            = string
    port            = optional(number, 22)
    registries      = optional(list(string), [])
    sandbox_image   = optional(string)
    user            = optional(string, "root")

    proxy = optional(object({
      exceptions = optional(list(string), [])
      url        = string
    }))

    bastion = optional(object({
      address       = string
      host_key      = string
      identity_file = optional(string)
      port          = optional(number, 22)
      user          = optional(string, "root")
    }))

    containerd_config = object({
      v2 = string
      v3 = string
    })

    files = map(object({
      content = string
      mode    = optional(string, "0644")
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue([for name, host in var.hosts : can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+", host.host_key))])
    error_message = "host_key must be the host's public key, as `ssh-keyscan` prints it after the name and as you compared it with the host itself."
  }

  validation {
    condition     = alltrue([for host in var.hosts : host.bastion == null || can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+", host.bastion.host_key))])
    error_message = "bastion.host_key must be the bastion's public key."
  }

  validation {
    condition     = alltrue([for name in keys(var.hosts) : can(regex("^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$", name))])
    error_message = "The key of a host becomes the name of its node: lower-case letters, digits, '-' and '.', 63 at most."
  }

  validation {
    condition     = alltrue(flatten([for host in var.hosts : [for url in host.registries : can(regex("^https?://[^/ ]+$", url))]]))
    error_message = "registries must be URLs without a path, such as https://registry.acme.io:5000."
  }

  validation {
    condition     = alltrue([for host in var.hosts : host.proxy == null || can(regex("^https?://[^/@ ]+$", host.proxy.url))])
    error_message = "proxy.url must be a URL without a path and without a login, which would be in the state."
  }

  validation {
    condition     = alltrue([for host in var.hosts : contains(["amd64", "arm64"], host.architecture)])
    error_message = "architecture must be amd64 or arm64."
  }

  validation {
    condition     = alltrue(flatten([for host in var.hosts : [for path in keys(host.files) : can(regex("^(/[A-Za-z0-9._:@+-]+)+$", path)) && !strcontains(path, "/..")]]))
    error_message = "files must have absolute paths of plain characters."
  }
}

variable "bundle" {
  description = "The bundle from which a host that joins gets what it lacks, as `kpo-provision bundle create` writes it and `kpo-provision bundle verify -o json` describes it. It is at `.kpo-provision/bundle` in the user's home on each such host already: a provisioner cannot be left out where there is none, and would cost a connection a host. None when absent."
  type = object({
    containerd = string
    kubernetes = string
    programs   = list(string)
    sha256     = string
  })
  default = null

  validation {
    condition     = var.bundle == null || can(regex("^[0-9a-f]{64}$", var.bundle.sha256))
    error_message = "bundle.sha256 must be the SHA-256 of the file, 64 hexadecimal digits."
  }
}

variable "drain_timeout_seconds" {
  description = "How long a host that leaves waits for the pods that nobody would make again, such as those of KubernetesPodOperator."
  type        = number
  default     = 3600
  nullable    = false
}

variable "join_token" {
  description = "Bootstrap token for hosts that join; it is in no state and in no plan. Without one, no host can join."
  type        = string
  default     = "none"
  ephemeral   = true
  sensitive   = true
}

variable "kubelet_logins" {
  description = "Registry logins that kubelets are to have, as the text of a Docker config.json; it is in no state and in no plan. Hosts that join and have `has_logins` are given them; others of those when their `terraform_data.logins` is made anew."
  type        = string
  default     = ""
  ephemeral   = true
  nullable    = false
  sensitive   = true
}

variable "looked_at" {
  description = "When somebody last looked at these hosts with the same script and read what it found, in seconds since 1970: for ten minutes they are not looked at again."
  type        = string
  default     = "0"
  ephemeral   = true
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+$", var.looked_at))
    error_message = "looked_at must be seconds since 1970."
  }
}

variable "min_disk_mib" {
  description = "MiB that have to be free below /var/lib before anything is done."
  type        = number
  default     = 20480
  nullable    = false
}

variable "ready_timeout_seconds" {
  description = "How long a node may take to become ready."
  type        = number
  default     = 300
  nullable    = false
}
