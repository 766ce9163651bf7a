# The manifests are applied as they are rendered; what they say is tested where they are made.

mock_provider "kubernetes" {}

variables {
  folder             = "tests/rendered"
  registry_logins    = { acme = { password = "secret", username = "puller" } }
  registry_revisions = { acme = 1 }
}

run "every_manifest_is_applied_as_the_manager_that_kpo_provision_is" {
  command = plan
  assert {
    condition     = keys(kubernetes_manifest.shared) == ["clusterrole-kpo-launcher.yaml"]
    error_message = "Each file below shared is an object."
  }
  assert {
    condition     = kubernetes_manifest.shared["clusterrole-kpo-launcher.yaml"].field_manager[0].name == "kpo-provision"
    error_message = "Another field manager would come into conflict with kpo-provision apply."
  }
}

run "refuses_a_folder_that_was_not_rendered" {
  command = plan
  variables {
    folder = "tests"
  }
  expect_failures = [var.folder]
}

run "refuses_a_registry_without_a_login" {
  command = plan
  variables {
    registry_logins = {}
  }
  expect_failures = [var.registry_logins]
}

run "refuses_a_revision_that_is_no_whole_number" {
  command = plan
  variables {
    registry_revisions = { acme = 1.5 }
  }
  expect_failures = [var.registry_revisions]
}
