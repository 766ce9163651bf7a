variable "node_pools" {
  description = "Node pools for KPO pods, by name."
  type = map(object({
    dedicated = optional(bool, true)
    labels    = optional(map(string), {})
    max_nodes = optional(number, 3)
    min_nodes = optional(number, 0)
  }))
  nullable = false

  validation {
    condition = alltrue([
      for name in keys(var.node_pools) : length(regexall("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", name)) == 1
    ])
    error_message = "Pool names must be DNS-1123 labels of at most 63 characters; got: ${join(", ", keys(var.node_pools))}."
  }

  validation {
    condition = alltrue([for pool in values(var.node_pools) : pool.min_nodes >= 0 && floor(pool.min_nodes) == pool.min_nodes])
    error_message = "min_nodes must be a whole number, 0 or more; got: ${jsonencode({
      for name, pool in var.node_pools : name => pool.min_nodes
    })}."
  }

  validation {
    condition = alltrue([for pool in values(var.node_pools) : pool.max_nodes >= max(1, pool.min_nodes)])
    error_message = "max_nodes must be at least 1 and at least min_nodes; got: ${jsonencode({
      for name, pool in var.node_pools : name => { min_nodes = pool.min_nodes, max_nodes = pool.max_nodes }
    })}."
  }

  validation {
    condition = alltrue(flatten([
      for pool in values(var.node_pools) : [for key in keys(pool.labels) : !startswith(key, "kpo-provision.io/")]
    ]))
    error_message = "Labels under kpo-provision.io/ are set by the module and cannot be given."
  }
}

variable "installation" {
  description = "Name of the installation that the pools are made for: a label on their nodes, by which kpo-provision knows its own pools again; none when absent."
  type        = string
  default     = null

  validation {
    condition     = var.installation == null ? true : length(regexall("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.installation)) == 1
    error_message = "installation must be a DNS-1123 label of at most 63 characters."
  }
}
