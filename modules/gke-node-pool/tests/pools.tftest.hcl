# What GKE is asked for: placement that KPO pods rely on, identity and hardening of the nodes, and what a change of a pool does.

mock_provider "google" {}

variables {
  cluster = { location = "europe-west1", name = "airflow", project = "acme-data" }
}

run "a_pool_carries_its_label_and_both_taints" {
  command = plan
  variables {
    node_pools = { standard = { labels = { team = "data" }, machine_type = "n2-standard-4", max_nodes = 3 } }
  }
  assert {
    condition = google_container_node_pool.pool["standard"].node_config[0].labels == tomap({
      team = "data", "kpo-provision.io/pool" = "standard"
    })
    error_message = "The pool's own label is missing, or another was lost."
  }
  assert {
    condition = join(" ", [
      for taint in google_container_node_pool.pool["standard"].node_config[0].taint : "${taint.key}=${taint.value}:${taint.effect}"
    ]) == "kpo-provision.io/pool=standard:NO_SCHEDULE kpo-provision.io/pool=standard:NO_EXECUTE"
    error_message = "A dedicated pool must carry both taints."
  }
}

run "a_pool_that_is_not_dedicated_keeps_only_its_own_taints" {
  command = plan
  variables {
    node_pools = {
      shared = {
        dedicated    = false
        machine_type = "n2-standard-4"
        max_nodes    = 3
        taints       = [{ effect = "PreferNoSchedule", key = "team", value = "data" }]
      }
    }
  }
  assert {
    condition     = one(google_container_node_pool.pool["shared"].node_config[0].taint[*].effect) == "PREFER_NO_SCHEDULE"
    error_message = "Only the taint that was given may be there."
  }
}

run "counts_per_zone_and_counts_of_all_zones_do_not_mix" {
  command = plan
  variables {
    node_pools = {
      all   = { machine_type = "n2-standard-4", max_nodes = 6, min_nodes = 3, zones = ["europe-west1-b", "europe-west1-c"] }
      zoned = { machine_type = "n2-standard-4", max_nodes_per_zone = 2, min_nodes_per_zone = 1 }
    }
  }
  assert {
    condition = (
      google_container_node_pool.pool["all"].autoscaling[0].total_max_node_count == 6 &&
      google_container_node_pool.pool["all"].autoscaling[0].total_min_node_count == 3 &&
      google_container_node_pool.pool["all"].autoscaling[0].max_node_count == null &&
      google_container_node_pool.pool["all"].autoscaling[0].min_node_count == null
    )
    error_message = "A pool that counts all zones together must not count per zone too: GKE refuses both."
  }
  assert {
    condition     = google_container_node_pool.pool["all"].initial_node_count == 2
    error_message = "Three nodes in two zones begin with two in each."
  }
  assert {
    condition = (
      google_container_node_pool.pool["zoned"].autoscaling[0].max_node_count == 2 &&
      google_container_node_pool.pool["zoned"].autoscaling[0].total_max_node_count == null
    )
    error_message = "A pool that counts per zone must not count all zones together too."
  }
}

run "nodes_are_hardened" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3 } }
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].workload_metadata_config[0].mode == "GKE_METADATA"
    error_message = "Pods must not reach the nodes' own identity."
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].metadata["disable-legacy-endpoints"] == "true"
    error_message = "The legacy metadata endpoints must be off."
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].shielded_instance_config[0].enable_secure_boot
    error_message = "Nodes must boot securely."
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].kubelet_config[0].insecure_kubelet_readonly_port_enabled == "FALSE"
    error_message = "The kubelet's read-only port must be closed."
  }
}

run "a_service_account_of_ones_own_is_used_and_none_is_made" {
  command = plan
  variables {
    node_pools      = { standard = { machine_type = "n2-standard-4", max_nodes = 3 } }
    service_account = { email = "nodes@acme-data.iam.gserviceaccount.com" }
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].service_account == "nodes@acme-data.iam.gserviceaccount.com"
    error_message = "The service account that was given must be the nodes'."
  }
  assert {
    condition     = length(module.service_account) == 0
    error_message = "No service account may be made beside one that was given."
  }
}

run "spot_pools_take_machines_where_there_are_any" {
  command = plan
  variables {
    node_pools = { cheap = { machine_type = "n2-standard-4", max_nodes = 3, spot = true } }
  }
  assert {
    condition     = google_container_node_pool.pool["cheap"].autoscaling[0].location_policy == "ANY"
    error_message = "A spot pool that balances its zones waits for machines that are gone."
  }
}

run "blue_green_upgrades_soak_before_the_old_nodes_go" {
  command = plan
  variables {
    node_pools = {
      standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { pool_soak_seconds = 60, strategy = "BLUE_GREEN" } }
    }
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].upgrade_settings[0].blue_green_settings[0].node_pool_soak_duration == "60s"
    error_message = "The soak time was lost."
  }
}

run "reservations_are_used_by_name" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, reservation = "kpo" } }
  }
  assert {
    condition     = google_container_node_pool.pool["standard"].node_config[0].reservation_affinity[0].values == toset(["kpo"])
    error_message = "The reservation was lost."
  }
}

run "pools_are_made_first" {
  command = apply
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3 } }
  }
}

run "what_nodes_can_take_on_renames_no_pool" {
  command = plan
  variables {
    node_pools = {
      standard = { labels = { team = "data" }, machine_type = "n2-standard-4", max_nodes_per_zone = 9, upgrade = { max_surge = 2 } }
    }
  }
  assert {
    condition     = output.node_pools.standard.name == run.pools_are_made_first.node_pools.standard.name
    error_message = "Labels, numbers of nodes and upgrade settings must not make a new pool."
  }
}

run "what_makes_nodes_anew_makes_a_pool_of_another_name" {
  command = plan
  variables {
    node_pools = {
      standard = {
        machine_type = "n2-standard-4"
        max_nodes    = 3
        taints       = [{ effect = "NoSchedule", key = "team", value = "data" }]
      }
    }
  }
  assert {
    condition     = output.node_pools.standard.name != run.pools_are_made_first.node_pools.standard.name
    error_message = "A pool with other taints must have another name, or the new one cannot stand beside the old one."
  }
}
