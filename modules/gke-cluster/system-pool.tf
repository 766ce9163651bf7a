# KPO pools keep all else out, so a cluster needs nodes for its own: DNS, metrics, the agents that reach the control plane.
module "service_account" {
  source = "../gke-service-account"
  count  = var.create ? 1 : 0

  account_id   = "${trimsuffix(substr("gke-${var.name}", 0, 23), "-")}-${substr(sha1("${var.location}/${var.name}"), 0, 6)}"
  display_name = "System nodes of ${var.name}"
  project      = var.project
}

resource "google_container_node_pool" "system" {
  count = var.create ? 1 : 0

  cluster            = google_container_cluster.cluster[0].name
  initial_node_count = var.settings.system_pool.min_nodes_per_zone
  location           = var.location
  name               = "system"
  project            = var.project

  autoscaling {
    location_policy = "BALANCED"
    max_node_count  = var.settings.system_pool.max_nodes_per_zone
    min_node_count  = var.settings.system_pool.min_nodes_per_zone
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  node_config {
    image_type      = "COS_CONTAINERD"
    machine_type    = var.settings.system_pool.machine_type
    metadata        = { disable-legacy-endpoints = "true" }
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    resource_labels = var.settings.labels
    service_account = module.service_account[0].email

    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
