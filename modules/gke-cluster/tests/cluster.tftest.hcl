# A cluster is made as the pools need it, or adopted and judged; each validation has a run that it refuses.

mock_provider "google" {
  mock_data "google_container_cluster" {
    defaults = {
      enable_autopilot         = false
      endpoint                 = "192.0.2.1"
      ip_allocation_policy     = [{ cluster_secondary_range_name = "pods" }]
      location                 = "europe-west1"
      master_auth              = [{ cluster_ca_certificate = "Q0E=" }]
      master_version           = "1.34.1-gke.1829001"
      name                     = "airflow"
      project                  = "acme-data"
      workload_identity_config = [{ workload_pool = "acme-data.svc.id.goog" }]
    }
  }
}

variables {
  location = "europe-west1"
  name     = "airflow"
  project  = "acme-data"
}

run "adopts_a_cluster_and_changes_nothing_about_it" {
  command = plan
  assert {
    condition     = output.cluster.endpoint == "192.0.2.1" && output.cluster.ca_certificate == "Q0E="
    error_message = "The outputs must say how to reach the cluster."
  }
  assert {
    condition     = length(google_container_cluster.cluster) + length(google_container_node_pool.system) + length(module.service_account) == 0
    error_message = "Nothing may be made where the cluster is adopted."
  }
}

run "makes_a_private_cluster_with_workload_identity_and_dataplane_v2" {
  command = plan
  variables {
    create = true
  }
  assert {
    condition     = google_container_cluster.cluster[0].private_cluster_config[0].enable_private_nodes
    error_message = "Nodes must have no public address."
  }
  assert {
    condition     = google_container_cluster.cluster[0].workload_identity_config[0].workload_pool == "acme-data.svc.id.goog"
    error_message = "The metadata server of the pools needs Workload Identity."
  }
  assert {
    condition     = google_container_cluster.cluster[0].datapath_provider == "ADVANCED_DATAPATH"
    error_message = "Only Dataplane V2 enforces the tenants' network policies without an addon."
  }
  assert {
    condition     = google_container_cluster.cluster[0].deletion_protection
    error_message = "A cluster must not go by mistake."
  }
}

run "a_cluster_that_is_made_has_nodes_for_its_own" {
  command = plan
  variables {
    create = true
  }
  assert {
    condition     = google_container_node_pool.system[0].autoscaling[0].min_node_count == 1
    error_message = "KPO pools keep DNS out, so another pool must take it."
  }
  assert {
    condition     = length(google_container_node_pool.system[0].node_config[0].taint) == 0
    error_message = "What the system's nodes are for carries no toleration."
  }
}

run "refuses_an_autopilot_cluster" {
  command = plan
  override_data {
    target = data.google_container_cluster.cluster
    values = {
      enable_autopilot         = true
      ip_allocation_policy     = [{ cluster_secondary_range_name = "pods" }]
      master_auth              = [{ cluster_ca_certificate = "Q0E=" }]
      workload_identity_config = [{ workload_pool = "acme-data.svc.id.goog" }]
    }
  }
  expect_failures = [data.google_container_cluster.cluster]
}

run "refuses_a_cluster_without_workload_identity" {
  command = plan
  override_data {
    target = data.google_container_cluster.cluster
    values = {
      enable_autopilot         = false
      ip_allocation_policy     = [{ cluster_secondary_range_name = "pods" }]
      master_auth              = [{ cluster_ca_certificate = "Q0E=" }]
      workload_identity_config = []
    }
  }
  expect_failures = [data.google_container_cluster.cluster]
}

run "refuses_a_cluster_without_alias_ip_ranges" {
  command = plan
  override_data {
    target = data.google_container_cluster.cluster
    values = {
      enable_autopilot         = false
      ip_allocation_policy     = []
      master_auth              = [{ cluster_ca_certificate = "Q0E=" }]
      workload_identity_config = [{ workload_pool = "acme-data.svc.id.goog" }]
    }
  }
  expect_failures = [data.google_container_cluster.cluster]
}

run "refuses_a_location_that_is_none" {
  command = plan
  variables {
    location = "Belgium"
  }
  expect_failures = [var.location]
}

run "refuses_a_name_that_gke_would_refuse" {
  command = plan
  variables {
    name = "Airflow"
  }
  expect_failures = [var.name]
}

run "refuses_the_number_of_a_project" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "refuses_a_release_channel_that_is_none" {
  command = plan
  variables {
    settings = { release_channel = "NIGHTLY" }
  }
  expect_failures = [var.settings]
}

run "refuses_a_version_that_is_none" {
  command = plan
  variables {
    settings = { version = "newest" }
  }
  expect_failures = [var.settings]
}

run "refuses_an_address_in_place_of_a_block" {
  command = plan
  variables {
    settings = { authorized_networks = { office = "203.0.113.7" } }
  }
  expect_failures = [var.settings]
}

run "refuses_a_security_group_that_gke_does_not_take" {
  command = plan
  variables {
    settings = { security_group = "admins@acme.io" }
  }
  expect_failures = [var.settings]
}

run "refuses_a_system_pool_without_nodes" {
  command = plan
  variables {
    settings = { system_pool = { min_nodes_per_zone = 0 } }
  }
  expect_failures = [var.settings]
}
