output "cluster" {
  description = "The cluster: name, location, version, address of its API server and the CA that signed its certificate."
  value       = module.gke_cluster.cluster
}

output "node_pools" {
  description = "The pools by name: what GKE calls each, and what its nodes look like to Kubernetes."
  value       = module.gke_node_pool.node_pools
}

output "service_account" {
  description = "E-mail address of the nodes' service account."
  value       = module.gke_node_pool.service_account
}
