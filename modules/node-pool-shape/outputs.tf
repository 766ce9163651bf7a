output "node_pools" {
  description = "The pools with the label and taints that their nodes carry."
  value       = local.node_pools
}
