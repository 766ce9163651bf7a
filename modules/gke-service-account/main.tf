# The roles that Google documents as the least that a GKE node needs
# (https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa, read 2026-11-23).
locals {
  _roles = toset([
    "roles/autoscaling.metricsWriter",
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
    "roles/stackdriver.resourceMetadata.writer",
  ])
}

resource "google_service_account" "nodes" {
  account_id = var.account_id
  # A run that was killed may have made it and written nothing down.
  create_ignore_already_exists = true

  description  = "Made by kpo-provision: what GKE nodes need, and nothing that pods could misuse."
  display_name = var.display_name
  project      = var.project
}

resource "google_project_iam_member" "nodes" {
  for_each = local._roles

  member  = "serviceAccount:${google_service_account.nodes.email}"
  project = var.project
  role    = each.value
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  for_each = var.artifact_registries

  location   = each.value.location
  member     = "serviceAccount:${google_service_account.nodes.email}"
  project    = coalesce(each.value.project, var.project)
  repository = each.value.repository
  role       = "roles/artifactregistry.reader"
}
