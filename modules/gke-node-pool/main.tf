# GKE node pools for KPO pods. What makes every node anew makes a new pool: it is there before the old one goes, under a
# name of its own, and a plan says so instead of draining nodes under running tasks in what looks like a small update.
locals {
  _account_id = coalesce(
    var.service_account.account_id,
    "${trimsuffix(substr("kpo-${var.cluster.name}", 0, 23), "-")}-${substr(sha1("${var.cluster.location}/${var.cluster.name}"), 0, 6)}",
  )
  _service_account = coalesce(var.service_account.email, one(module.service_account[*].email))

  _effects = { NoExecute = "NO_EXECUTE", NoSchedule = "NO_SCHEDULE", PreferNoSchedule = "PREFER_NO_SCHEDULE" }
  _taints = {
    for name, pool in var.node_pools : name => concat(module.node_pool_shape.node_pools[name].taints, pool.taints)
  }

  # GKE takes the initial number per zone, and a pool's own minimum may count all zones together.
  _initial_counts = {
    for name, pool in var.node_pools : name => coalesce(
      pool.min_nodes_per_zone,
      ceil(coalesce(pool.min_nodes, 0) / (pool.zones == null ? 1 : length(pool.zones))),
    )
  }

  # Only what is set counts, so that a field that this module learns later renames no pool that does not use it.
  _keepers = {
    for name, pool in var.node_pools : name => {
      for key, value in {
        boot_disk_kms_key = pool.boot_disk_kms_key
        confidential      = pool.confidential ? true : null
        disk              = jsonencode({ for field, set in pool.disk : field => set if set != null })
        image_streaming   = pool.image_streaming ? true : null
        image_type        = pool.image_type
        kubelet           = jsonencode({ for field, set in pool.kubelet : field => set if set != null })
        machine_type      = pool.machine_type
        max_pods_per_node = pool.max_pods_per_node
        name              = name
        pod_range         = pool.pod_range
        private_nodes     = pool.private_nodes
        reservation       = pool.reservation
        secure_boot       = pool.secure_boot ? true : null
        service_account   = coalesce(var.service_account.email, local._account_id)
        spot              = pool.spot ? true : null
        taints            = jsonencode(local._taints[name])
      } : key => value if value != null
    }
  }
  _names = {
    for name, keepers in local._keepers : name => "${name}-${substr(sha1(jsonencode(keepers)), 0, 6)}"
  }
}

module "node_pool_shape" {
  source = "../node-pool-shape"

  installation = var.installation
  node_pools = {
    for name, pool in var.node_pools : name => { dedicated = pool.dedicated, labels = pool.labels }
  }
}

module "service_account" {
  source = "../gke-service-account"
  count  = var.service_account.email == null ? 1 : 0

  account_id          = local._account_id
  artifact_registries = var.artifact_registries
  display_name        = "KPO nodes of ${var.cluster.name}"
  project             = var.cluster.project
}

resource "google_container_node_pool" "pool" {
  #checkov:skip=CKV_GCP_68:Secure Boot is on unless a pool turns it off, for drivers that nobody signed; checkov does not follow the variable.

  for_each = var.node_pools

  cluster            = var.cluster.name
  initial_node_count = local._initial_counts[each.key]
  location           = var.cluster.location
  max_pods_per_node  = each.value.max_pods_per_node
  name               = local._names[each.key]
  node_locations     = each.value.zones
  project            = var.cluster.project

  autoscaling {
    location_policy      = coalesce(each.value.location_policy, each.value.spot ? "ANY" : "BALANCED")
    max_node_count       = each.value.max_nodes_per_zone
    min_node_count       = each.value.max_nodes == null ? coalesce(each.value.min_nodes_per_zone, 0) : null
    total_max_node_count = each.value.max_nodes
    total_min_node_count = each.value.max_nodes == null ? null : coalesce(each.value.min_nodes, 0)
  }

  management {
    auto_repair  = each.value.auto_repair
    auto_upgrade = each.value.auto_upgrade
  }

  dynamic "network_config" {
    for_each = each.value.pod_range == null && each.value.private_nodes == null ? [] : [each.value]
    content {
      enable_private_nodes = network_config.value.private_nodes
      pod_range            = network_config.value.pod_range
    }
  }

  node_config {
    boot_disk_kms_key = each.value.boot_disk_kms_key
    disk_size_gb      = each.value.disk.size_gb
    disk_type         = each.value.disk.type
    image_type        = each.value.image_type
    labels            = module.node_pool_shape.node_pools[each.key].labels
    machine_type      = each.value.machine_type
    metadata          = { disable-legacy-endpoints = "true" }
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    resource_labels   = each.value.resource_labels
    service_account   = local._service_account
    spot              = each.value.spot
    tags              = each.value.network_tags

    dynamic "confidential_nodes" {
      for_each = each.value.confidential ? [true] : []
      content {
        enabled = true
      }
    }

    gcfs_config {
      enabled = each.value.image_streaming
    }

    # KPO reads a task's logs while the pod runs; kubelet's own 10 MiB rotate away under a chatty one.
    kubelet_config {
      container_log_max_files                = each.value.kubelet.container_log_max_files
      container_log_max_size                 = "${each.value.kubelet.container_log_max_mib}Mi"
      insecure_kubelet_readonly_port_enabled = "FALSE"
      pod_pids_limit                         = each.value.kubelet.pod_pids_limit
    }

    dynamic "reservation_affinity" {
      for_each = each.value.reservation == null ? [] : [each.value.reservation]
      content {
        consume_reservation_type = "SPECIFIC_RESERVATION"
        key                      = "compute.googleapis.com/reservation-name"
        values                   = [reservation_affinity.value]
      }
    }

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = each.value.secure_boot
    }

    dynamic "taint" {
      for_each = local._taints[each.key]
      content {
        effect = local._effects[taint.value.effect]
        key    = taint.value.key
        value  = taint.value.value
      }
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  node_drain_config {
    respect_pdb_during_node_pool_deletion = true
  }

  upgrade_settings {
    max_surge       = each.value.upgrade.strategy == "SURGE" ? each.value.upgrade.max_surge : null
    max_unavailable = each.value.upgrade.strategy == "SURGE" ? each.value.upgrade.max_unavailable : null
    strategy        = each.value.upgrade.strategy

    dynamic "blue_green_settings" {
      for_each = each.value.upgrade.strategy == "BLUE_GREEN" ? [each.value.upgrade] : []
      content {
        node_pool_soak_duration = "${blue_green_settings.value.pool_soak_seconds}s"

        standard_rollout_policy {
          batch_node_count    = blue_green_settings.value.batch_node_count
          batch_soak_duration = "${blue_green_settings.value.batch_soak_seconds}s"
        }
      }
    }
  }

  lifecycle {
    create_before_destroy = true
    # The autoscaler owns the number of nodes; a new minimum must not make a new pool.
    ignore_changes = [initial_node_count]
  }
}
