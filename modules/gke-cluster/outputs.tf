output "cluster" {
  description = "The cluster: name, location, project, version, the address of its API server and the CA that signed its certificate."
  value = merge(
    { location = var.location, name = var.name, project = var.project },
    var.create ? local._made.cluster : local._adopted.cluster,
  )

  # GKE makes one change to a cluster at a time; who waits for the cluster waits for its own nodes too.
  depends_on = [google_container_node_pool.system]
}
