variable "cluster" {
  description = "The cluster that gets the pools: its name, and the project and location (region or zone) it is in."
  type = object({
    location = string
    name     = string
    project  = string
  })
  nullable = false

  validation {
    condition     = length(regexall("^[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?$", var.cluster.location)) == 1
    error_message = "location (${var.cluster.location}) must be a region, such as europe-west1, or a zone, such as europe-west1-b."
  }
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

  validation {
    condition = alltrue([
      for name in keys(var.node_pools) : length(regexall("^[a-z]([-a-z0-9]{0,31}[a-z0-9])?$", name)) == 1
    ])
    error_message = "Pool names must begin with a letter and have at most 33 lower-case letters, digits and hyphens (GKE allows 40, the suffix takes 7); got: ${join(", ", keys(var.node_pools))}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : (pool.max_nodes == null) != (pool.max_nodes_per_zone == null)
    ])
    error_message = "Each pool needs max_nodes or max_nodes_per_zone, and not both; wrong: ${join(", ", [
      for name, pool in var.node_pools : name if(pool.max_nodes == null) == (pool.max_nodes_per_zone == null)
    ])}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.max_nodes == null ? pool.min_nodes == null : pool.min_nodes_per_zone == null
    ])
    error_message = "min_nodes goes with max_nodes, and min_nodes_per_zone with max_nodes_per_zone; GKE counts a pool in one way only."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [
        for count in [pool.min_nodes, pool.min_nodes_per_zone, pool.max_nodes, pool.max_nodes_per_zone] :
        count == null ? true : count >= 0 && floor(count) == count
      ]
    ]))
    error_message = "Numbers of nodes must be whole and not negative."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      max(coalesce(pool.max_nodes, 0), coalesce(pool.max_nodes_per_zone, 0)) >=
      max(coalesce(pool.min_nodes, 0), coalesce(pool.min_nodes_per_zone, 0), 1)
      if pool.max_nodes != null || pool.max_nodes_per_zone != null
    ])
    error_message = "The maximum of a pool must be at least 1 and at least its minimum; got: ${jsonencode({
      for name, pool in var.node_pools : name => {
        for key, count in {
          max_nodes          = pool.max_nodes
          max_nodes_per_zone = pool.max_nodes_per_zone
          min_nodes          = pool.min_nodes
          min_nodes_per_zone = pool.min_nodes_per_zone
        } : key => count if count != null
      }
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.max_pods_per_node >= 8 && pool.max_pods_per_node <= 256 && floor(pool.max_pods_per_node) == pool.max_pods_per_node
    ])
    error_message = "max_pods_per_node must be a whole number from 8 to 256; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.max_pods_per_node
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : length(regexall("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", pool.machine_type)) == 1
    ])
    error_message = "machine_type must name a Compute Engine machine type, such as n2-standard-4; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.machine_type
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : contains(["COS_CONTAINERD", "UBUNTU_CONTAINERD"], pool.image_type)
    ])
    error_message = "image_type must be COS_CONTAINERD or UBUNTU_CONTAINERD; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.image_type
    })}."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [
        for zone in pool.zones == null ? [] : tolist(pool.zones) :
        startswith(zone, join("-", slice(split("-", var.cluster.location), 0, 2)))
      ]
    ]))
    error_message = "zones must be in the cluster's location (${var.cluster.location}); got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.zones if pool.zones != null
    })}."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.zones == null ? true : length(pool.zones) > 0])
    error_message = "zones must name a zone at least; leave it out for the zones of the cluster."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.location_policy == null ? true : contains(["ANY", "BALANCED"], pool.location_policy)
    ])
    error_message = "location_policy must be ANY or BALANCED."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : !pool.spot || pool.reservation == null])
    error_message = "A spot pool cannot use a reservation; leave out spot or reservation."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) : pool.disk.size_gb >= 12 && pool.disk.size_gb <= 65536
    ])
    error_message = "disk.size_gb must be from 12, the least that Container-Optimized OS boots from, to 65536; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.disk.size_gb
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      contains(["hyperdisk-balanced", "pd-balanced", "pd-ssd", "pd-standard"], pool.disk.type)
    ])
    error_message = "disk.type must be hyperdisk-balanced, pd-balanced, pd-ssd or pd-standard; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.disk.type
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.kubelet.container_log_max_mib >= 10 && pool.kubelet.container_log_max_mib <= 500
    ])
    error_message = "kubelet.container_log_max_mib must be from 10 to 500; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.kubelet.container_log_max_mib
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.kubelet.container_log_max_files >= 2 && pool.kubelet.container_log_max_files <= 10
    ])
    error_message = "kubelet.container_log_max_files must be from 2 to 10; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.kubelet.container_log_max_files
    })}."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.kubelet.pod_pids_limit >= 1024 && pool.kubelet.pod_pids_limit <= 4194304
    ])
    error_message = "kubelet.pod_pids_limit must be from 1024 to 4194304; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.kubelet.pod_pids_limit
    })}."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [for key in keys(pool.labels) : !startswith(key, "kpo-provision.io/")]
    ]))
    error_message = "Labels under kpo-provision.io/ are set by the module and cannot be given."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [for taint in pool.taints : !startswith(taint.key, "kpo-provision.io/")]
    ]))
    error_message = "Taints under kpo-provision.io/ are set by the module and cannot be given."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [
        for taint in pool.taints : contains(["NoExecute", "NoSchedule", "PreferNoSchedule"], taint.effect)
      ]
    ]))
    error_message = "The effect of a taint must be NoExecute, NoSchedule or PreferNoSchedule."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : contains(["BLUE_GREEN", "SURGE"], pool.upgrade.strategy)])
    error_message = "upgrade.strategy must be BLUE_GREEN or SURGE."
  }

  validation {
    condition = alltrue([
      for pool in values(var.node_pools) :
      pool.upgrade.max_surge >= 0 && pool.upgrade.max_unavailable >= 0 &&
      pool.upgrade.max_surge + pool.upgrade.max_unavailable >= 1 &&
      pool.upgrade.max_surge + pool.upgrade.max_unavailable <= 20
    ])
    error_message = "upgrade.max_surge and upgrade.max_unavailable must come to 1 at least and 20 at most; got: ${jsonencode({
      for name, pool in var.node_pools : name => [pool.upgrade.max_surge, pool.upgrade.max_unavailable]
    })}."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.upgrade.batch_node_count >= 1])
    error_message = "upgrade.batch_node_count must be at least 1."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [
        for soak in [pool.upgrade.batch_soak_seconds, pool.upgrade.pool_soak_seconds] : soak >= 0 && soak <= 604800
      ]
    ]))
    error_message = "upgrade.batch_soak_seconds and upgrade.pool_soak_seconds must be from 0 to 604800, which is 7 days."
  }
}
