# Everything that one installation puts on a cluster: the manifests that kpo-provision renders, and nothing of its own.
locals {
  _namespaces = {
    for file in fileset(var.folder, "tenants/*/namespace-*.yaml") :
    split("/", file)[1] => trimsuffix(trimprefix(basename(file), "namespace-"), ".yaml")
  }
  _secrets = jsondecode(file("${var.folder}/secrets.json"))
  _shared = {
    for file in fileset(var.folder, "shared/*.yaml") : trimprefix(file, "shared/") => yamldecode(file("${var.folder}/${file}"))
  }
}

resource "kubernetes_manifest" "shared" {
  for_each = local._shared

  manifest = each.value

  field_manager {
    name = "kpo-provision"
  }
}

module "tenant" {
  source   = "../tenant"
  for_each = local._namespaces

  folder             = "${var.folder}/tenants/${each.key}"
  registry_logins    = var.registry_logins
  registry_revisions = var.registry_revisions
  secrets = {
    for secret in local._secrets : secret.registry => { name = secret.name, server = secret.server }
    if secret.namespace == each.value
  }

  # What guards the pools stands before the first tenant.
  depends_on = [kubernetes_manifest.shared]
}
