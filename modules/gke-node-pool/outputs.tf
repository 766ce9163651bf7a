output "node_pools" {
  description = "The pools by name: what GKE calls each, and what its nodes look like to Kubernetes."
  value = {
    for name, pool in google_container_node_pool.pool : name => {
      labels            = module.node_pool_shape.node_pools[name].labels
      machine_type      = var.node_pools[name].machine_type
      max_pods_per_node = var.node_pools[name].max_pods_per_node
      name              = pool.name
      taints            = local._taints[name]
    }
  }
}

output "service_account" {
  description = "E-mail address of the nodes' service account."
  value       = local._service_account
}
