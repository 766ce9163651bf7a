# Each validation has a run that it refuses.

mock_provider "google" {}

variables {
  cluster    = { location = "europe-west1", name = "airflow", project = "acme-data" }
  node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3 } }
}

run "refuses_a_name_that_begins_with_a_digit" {
  command = plan
  variables {
    node_pools = { "4cpu" = { machine_type = "n2-standard-4", max_nodes = 3 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_name_too_long_for_its_suffix" {
  command = plan
  variables {
    node_pools = { a234567890123456789012345678901234 = { machine_type = "n2-standard-4", max_nodes = 3 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_pool_without_a_maximum" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4" } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_both_kinds_of_maximum" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, max_nodes_per_zone = 1 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_minimum_of_the_other_kind" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, min_nodes_per_zone = 1 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_number_of_nodes_that_is_not_whole" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 2.5 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_maximum_below_the_minimum" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, min_nodes = 4 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_maximum_of_none" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes_per_zone = 0 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_more_pods_than_a_node_can_have" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, max_pods_per_node = 257 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_fewer_pods_than_gke_allows" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, max_pods_per_node = 7 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_machine_type_that_is_none" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "N2 standard", max_nodes = 3 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_image_for_windows" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, image_type = "WINDOWS_LTSC_CONTAINERD" } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_zone_of_another_region" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, zones = ["us-central1-a"] } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_empty_list_of_zones" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, zones = [] } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_location_policy_that_is_none" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, location_policy = "SPREAD" } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_reservation_for_spot_machines" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, reservation = "kpo", spot = true } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_disk_too_small_to_boot_from" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, disk = { size_gb = 10 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_type_of_disk_that_is_none" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, disk = { type = "floppy" } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_logs_larger_than_gke_allows" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, kubelet = { container_log_max_mib = 501 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_single_log_file" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, kubelet = { container_log_max_files = 1 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_too_few_processes" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, kubelet = { pod_pids_limit = 100 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_label_of_our_own" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, labels = { "kpo-provision.io/pool" = "other" } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_taint_of_our_own" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, taints = [{ effect = "NoSchedule", key = "kpo-provision.io/pool", value = "other" }] } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_effect_in_googles_spelling" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, taints = [{ effect = "NO_SCHEDULE", key = "team", value = "data" }] } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_upgrade_strategy_that_is_none" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { strategy = "ROLLING" } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_upgrade_without_room" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { max_surge = 0, max_unavailable = 0 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_upgrade_of_more_than_twenty_nodes_at_once" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { max_surge = 21 } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_batches_of_no_node" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { batch_node_count = 0, strategy = "BLUE_GREEN" } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_soak_of_more_than_a_week" {
  command = plan
  variables {
    node_pools = { standard = { machine_type = "n2-standard-4", max_nodes = 3, upgrade = { pool_soak_seconds = 604801, strategy = "BLUE_GREEN" } } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_location_that_is_none" {
  command = plan
  variables {
    cluster = { location = "Belgium", name = "airflow", project = "acme-data" }
  }
  expect_failures = [var.cluster]
}

run "refuses_an_account_both_made_and_given" {
  command = plan
  variables {
    service_account = { account_id = "kpo-nodes", email = "nodes@acme-data.iam.gserviceaccount.com" }
  }
  expect_failures = [var.service_account]
}

run "refuses_an_email_that_is_none" {
  command = plan
  variables {
    service_account = { email = "nodes" }
  }
  expect_failures = [var.service_account]
}

run "refuses_an_account_id_that_is_too_short" {
  command = plan
  variables {
    service_account = { account_id = "kpo" }
  }
  expect_failures = [var.service_account]
}
