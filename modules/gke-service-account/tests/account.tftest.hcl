# Nodes get the roles that they need, and pull only from the repositories that they were given.

mock_provider "google" {}

variables {
  account_id = "kpo-nodes"
  project    = "acme-data"
}

run "nodes_may_write_logs_and_metrics_and_no_more" {
  command = plan
  assert {
    condition = toset(values(google_project_iam_member.nodes)[*].role) == toset([
      "roles/autoscaling.metricsWriter",
      "roles/logging.logWriter",
      "roles/monitoring.metricWriter",
      "roles/monitoring.viewer",
      "roles/stackdriver.resourceMetadata.writer",
    ])
    error_message = "Another role on the whole project is one that every pod's node can misuse."
  }
}

run "nodes_may_read_the_repositories_they_were_given" {
  command = plan
  variables {
    artifact_registries = { images = { location = "europe-west1", project = "acme-images", repository = "tasks" } }
  }
  assert {
    condition = (
      google_artifact_registry_repository_iam_member.nodes["images"].role == "roles/artifactregistry.reader" &&
      google_artifact_registry_repository_iam_member.nodes["images"].project == "acme-images"
    )
    error_message = "The nodes must be able to pull from the repository, and only that."
  }
}

run "refuses_an_id_that_iam_would_refuse" {
  command = plan
  variables {
    account_id = "kpo"
  }
  expect_failures = [var.account_id]
}
