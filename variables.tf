variable "node_pools" {
  description = "Node pools for KPO pods, by name."
  type = map(object({
    dedicated = optional(bool, true)
    labels    = optional(map(string), {})
    max_nodes = optional(number, 3)
    min_nodes = optional(number, 0)
  }))
  nullable = false
}
