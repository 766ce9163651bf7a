variable "location" {
  description = "Region of the cluster; a zone for a cluster in one zone only."
  type        = string
  nullable    = false

  validation {
    condition     = length(regexall("^[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?$", var.location)) == 1
    error_message = "location (${var.location}) must be a region, such as europe-west1, or a zone, such as europe-west1-b."
  }
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false

  validation {
    condition     = length(regexall("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$", var.name)) == 1
    error_message = "name (${var.name}) must begin with a letter and have at most 40 lower-case letters, digits and hyphens."
  }
}

variable "project" {
  description = "ID of the project of the cluster."
  type        = string
  nullable    = false

  validation {
    condition     = length(regexall("^([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.project)) == 1
    error_message = "project (${var.project}) must be the ID of a project, such as acme-data; neither its name nor its number."
  }
}

variable "create" {
  description = "Whether to make the cluster; otherwise it must be there, and nothing about it is changed."
  type        = bool
  default     = false
  nullable    = false
}

variable "settings" {
  description = "What a cluster that is made looks like; without effect on one that is there already. `authorized_networks` are CIDR blocks by display name: without one, only machines in its network reach its API server."
  type = object({
    authorized_networks = optional(map(string), {})
    deletion_protection = optional(bool, true)
    labels              = optional(map(string), {})
    network             = optional(string, "default")
    pod_range           = optional(string)
    private_endpoint    = optional(bool, false)
    release_channel     = optional(string, "REGULAR")
    security_group      = optional(string)
    service_range       = optional(string)
    subnetwork          = optional(string)
    system_pool = optional(object({
      machine_type       = optional(string, "e2-standard-4")
      max_nodes_per_zone = optional(number, 3)
      min_nodes_per_zone = optional(number, 1)
    }), {})
    version = optional(string)
    zones   = optional(set(string))
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["EXTENDED", "RAPID", "REGULAR", "STABLE"], var.settings.release_channel)
    error_message = "release_channel (${var.settings.release_channel}) must be EXTENDED, RAPID, REGULAR or STABLE."
  }

  validation {
    condition     = var.settings.version == null ? true : length(regexall("^[0-9]+\\.[0-9]+(\\.[0-9]+(-gke\\.[0-9]+)?)?$", var.settings.version)) == 1
    error_message = "version must be a Kubernetes version, such as 1.34 or 1.34.1-gke.1829001."
  }

  validation {
    condition     = alltrue([for block in values(var.settings.authorized_networks) : length(regexall("^[0-9.]+/[0-9]+$", block)) == 1])
    error_message = "authorized_networks must be CIDR blocks, such as 203.0.113.0/24; got: ${join(", ", values(var.settings.authorized_networks))}."
  }

  validation {
    condition     = var.settings.security_group == null ? true : startswith(var.settings.security_group, "gke-security-groups@")
    error_message = "security_group must be gke-security-groups@ followed by your domain: GKE takes no other group."
  }

  validation {
    condition = (
      var.settings.system_pool.min_nodes_per_zone >= 1 &&
      var.settings.system_pool.max_nodes_per_zone >= var.settings.system_pool.min_nodes_per_zone
    )
    error_message = "system_pool.min_nodes_per_zone must be at least 1, and system_pool.max_nodes_per_zone no less: without such a node nothing resolves names in the cluster."
  }
}
