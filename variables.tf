variable "cluster" {
  description = "The GKE cluster: adopted by its name, or made when `create` is true; the rest says what one that is made looks like."
  type = object({
    authorized_networks = optional(map(string), {})
    create              = optional(bool, false)
    deletion_protection = optional(bool, true)
    labels              = optional(map(string), {})
    name                = string
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
  nullable = false
}

variable "location" {
  description = "Region of the cluster, or its zone."
  type        = string
  nullable    = false
}

variable "node_pools" {
  description = "Node pools for KPO pods, by name. Either `max_nodes_per_zone` or `max_nodes`, which counts all zones together, is required."
  type = map(object({
    auto_repair        = optional(bool, true)
    auto_upgrade       = optional(bool, true)
    boot_disk_kms_key  = optional(string)
    confidential       = optional(bool, false)
    dedicated          = optional(bool, true)
    image_streaming    = optional(bool, false)
    image_type         = optional(string, "COS_CONTAINERD")
    labels             = optional(map(string), {})
    location_policy    = optional(string)
    machine_type       = string
    max_nodes          = optional(number)
    max_nodes_per_zone = optional(number)
    max_pods_per_node  = optional(number, 110)
    min_nodes          = optional(number)
    min_nodes_per_zone = optional(number)
    network_tags       = optional(list(string), [])
    pod_range          = optional(string)
    private_nodes      = optional(bool)
    reservation        = optional(string)
    resource_labels    = optional(map(string), {})
    secure_boot        = optional(bool, true)
    spot               = optional(bool, false)
    zones              = optional(set(string))

    disk = optional(object({
      size_gb = optional(number, 100)
      type    = optional(string, "pd-balanced")
    }), {})

    kubelet = optional(object({
      container_log_max_files = optional(number, 5)
      container_log_max_mib   = optional(number, 50)
      pod_pids_limit          = optional(number, 4096)
    }), {})

    taints = optional(list(object({
      effect = string
      key    = string
      value  = string
    })), [])

    upgrade = optional(object({
      batch_node_count   = optional(number, 1)
      batch_soak_seconds = optional(number, 0)
      max_surge          = optional(number, 1)
      max_unavailable    = optional(number, 0)
      pool_soak_seconds  = optional(number, 3600)
      strategy           = optional(string, "SURGE")
    }), {})
  }))
  nullable = false
}

variable "project" {
  description = "ID of the project of the cluster."
  type        = string
  nullable    = false
}

variable "artifact_registries" {
  description = "Artifact Registry repositories that the nodes may pull from; `project` is the cluster's when absent."
  type = map(object({
    location   = string
    project    = optional(string)
    repository = string
  }))
  default  = {}
  nullable = false
}

variable "installation" {
  description = "Name of the installation that the pools are made for: a label on their nodes, by which kpo-provision knows its own pools again; none when absent."
  type        = string
  default     = null
}

variable "service_account" {
  description = "Service account of the nodes: one of your own by `email`, or else one that is made, with an ID that is made from the cluster's name when absent."
  type = object({
    account_id = optional(string)
    email      = optional(string)
  })
  default  = {}
  nullable = false
}
