output "node_pools" {
  description = "The pools by name: what GKE calls each, and what its nodes look like to Kubernetes."
  value       = module.kpo.node_pools
}
