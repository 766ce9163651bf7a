# The root for those who use this repository as a Terraform module. It wires modules and has no resource of its own.
module "gke_cluster" {
  source = "./modules/gke-cluster"

  create   = var.cluster.create
  location = var.location
  name     = var.cluster.name
  project  = var.project
  settings = var.cluster
}

module "gke_node_pool" {
  source = "./modules/gke-node-pool"

  artifact_registries = var.artifact_registries
  cluster             = { location = var.location, name = module.gke_cluster.cluster.name, project = var.project }
  installation        = var.installation
  node_pools          = var.node_pools
  service_account     = var.service_account
}
