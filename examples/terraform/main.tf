# Two pools on a cluster that is there already: the repository as a Terraform module.
provider "google" {
  project = var.project
}

module "kpo" {
  source = "../.."

  artifact_registries = { images = { location = "europe-west1", repository = "airflow-tasks" } }
  cluster             = { name = "airflow" }
  location            = "europe-west1"
  project             = var.project

  node_pools = {
    standard = {
      machine_type       = "n2-standard-8"
      max_nodes_per_zone = 4
      max_pods_per_node  = 64
      zones              = ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
    }
    big = {
      machine_type       = "n2-highmem-16"
      max_nodes_per_zone = 2
      max_pods_per_node  = 32
      spot               = true
      upgrade            = { pool_soak_seconds = 600, strategy = "BLUE_GREEN" }
    }
  }
}
