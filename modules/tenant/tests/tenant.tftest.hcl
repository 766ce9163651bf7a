# A tenant is closed until all its fences stand, and its secrets are nowhere but on the cluster.

mock_provider "kubernetes" {}

variables {
  folder             = "../tenants/tests/rendered/tenants/etl"
  registry_logins    = { acme = { password = "secret", username = "puller" } }
  registry_revisions = { acme = 3 }
  secrets            = { acme = { name = "registry-acme", server = "registry.acme.io" }, other = { name = "registry-other", server = "other.io" } }
}

run "a_pull_secret_is_made_for_each_registry_with_a_revision" {
  command = plan
  assert {
    condition     = keys(kubernetes_secret_v1.registry) == ["acme"]
    error_message = "A registry without a revision is left to kpo-provision apply."
  }
  assert {
    condition = (
      kubernetes_secret_v1.registry["acme"].data_wo_revision == 3 &&
      kubernetes_secret_v1.registry["acme"].metadata[0].namespace == "data-etl" &&
      kubernetes_secret_v1.registry["acme"].metadata[0].labels["kpo-provision.io/tenant"] == "etl"
    )
    error_message = "The secret must carry the labels of its tenant, and the revision that tells a change."
  }
}

run "a_quota_is_waited_for_until_it_counts" {
  command = plan
  assert {
    condition = (
      kubernetes_manifest.fence["resourcequota-kpo-quota.yaml"].wait[0].fields == tomap({ "status.hard[\"pods\"]" = ".+" })
    )
    error_message = "A quota that has not been counted refuses nothing."
  }
}

run "the_default_account_is_not_made_but_changed" {
  command = plan
  assert {
    condition     = keys(kubernetes_manifest.fence) == ["resourcequota-kpo-quota.yaml"]
    error_message = "Kubernetes makes the default account itself."
  }
  assert {
    condition     = kubernetes_default_service_account_v1.default.automount_service_account_token == false
    error_message = "Task pods get no token unless they ask for one."
  }
}

run "refuses_a_folder_without_a_namespace" {
  command = plan
  variables {
    folder = "tests"
  }
  expect_failures = [var.folder]
}
