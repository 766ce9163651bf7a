# A GKE cluster: made, or adopted by its name. One that is adopted is only read, and judged by what the pools need of it.
locals {
  # Field by field: as a whole either is sensitive, for it also holds the key that nobody was issued.
  _adopted = {
    for cluster in data.google_container_cluster.cluster : "cluster" => {
      ca_certificate = cluster.master_auth[0].cluster_ca_certificate
      endpoint       = cluster.endpoint
      version        = cluster.master_version
    }
  }
  _made = {
    for cluster in google_container_cluster.cluster : "cluster" => {
      ca_certificate = cluster.master_auth[0].cluster_ca_certificate
      endpoint       = cluster.endpoint
      version        = cluster.master_version
    }
  }
}

data "google_container_cluster" "cluster" {
  count = var.create ? 0 : 1

  location = var.location
  name     = var.name
  project  = var.project

  lifecycle {
    postcondition {
      condition     = self.enable_autopilot != true
      error_message = "Cluster ${var.name} is an Autopilot cluster, which takes no node pools: name a Standard cluster."
    }
    postcondition {
      condition     = length(self.workload_identity_config) > 0
      error_message = "Cluster ${var.name} has no Workload Identity, which the pools' metadata server needs. Turn it on: gcloud container clusters update ${var.name} --location ${var.location} --project ${var.project} --workload-pool ${var.project}.svc.id.goog"
    }
    postcondition {
      condition     = length(self.ip_allocation_policy) > 0
      error_message = "Cluster ${var.name} routes pods without alias IP ranges, where max_pods_per_node cannot be set: name a VPC-native cluster."
    }
  }
}

resource "google_container_cluster" "cluster" {
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies by itself, and GKE refuses the addon beside it.
  #checkov:skip=CKV_GCP_66:Binary Authorization admits by a policy of the whole project, which is not this module's to turn on.

  count = var.create ? 1 : 0

  datapath_provider           = "ADVANCED_DATAPATH"
  deletion_protection         = var.settings.deletion_protection
  enable_intranode_visibility = true
  enable_shielded_nodes       = true
  initial_node_count          = 1
  location                    = var.location
  min_master_version          = var.settings.version
  name                        = var.name
  network                     = var.settings.network
  networking_mode             = "VPC_NATIVE"
  node_locations              = var.settings.zones
  project                     = var.project
  remove_default_node_pool    = true
  resource_labels             = var.settings.labels
  subnetwork                  = var.settings.subnetwork

  addons_config {
    dns_cache_config {
      enabled = true
    }
  }

  dynamic "authenticator_groups_config" {
    for_each = var.settings.security_group == null ? [] : [var.settings.security_group]
    content {
      security_group = authenticator_groups_config.value
    }
  }

  cost_management_config {
    enabled = true
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = var.settings.pod_range
    services_secondary_range_name = var.settings.service_range
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = var.settings.authorized_networks
      content {
        cidr_block   = cidr_blocks.value
        display_name = cidr_blocks.key
      }
    }
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]

    managed_prometheus {
      enabled = true
    }
  }

  # GKE makes no cluster without a first pool; it lives for minutes, and policies on shielded nodes bind it too.
  node_config {
    metadata        = { disable-legacy-endpoints = "true" }
    service_account = module.service_account[0].email

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  private_cluster_config {
    enable_private_endpoint = var.settings.private_endpoint
    enable_private_nodes    = true
  }

  release_channel {
    channel = var.settings.release_channel
  }

  security_posture_config {
    mode = "BASIC"
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  lifecycle {
    # The first pool is gone when the cluster is read again, and the release channel moves the version on.
    ignore_changes = [initial_node_count, min_master_version, node_config]
  }
}
