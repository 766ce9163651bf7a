output "node_pools" {
  description = "The pools with the label and taints that their nodes carry."
  value       = module.node_pool_shape.node_pools
}
