# The tenants of one installation, on the cluster that the workspace for its node pools knows.
data "terraform_remote_state" "infrastructure" {
  backend = "remote"
  config  = var.infrastructure
}

locals {
  # The objects of tenants that kpo-provision apply has made before: the files of each, by tenant and name.
  _adopted = merge([
    for release in var.adopt : {
      for name in fileset("${path.module}/manifests/tenants/${release}", "*.yaml") : "${release}/${name}" => {
        name    = name
        object  = yamldecode(file("${path.module}/manifests/tenants/${release}/${name}"))
        release = release
      }
    }
  ]...)
  _adopted_shared = {
    for name in fileset("${path.module}/manifests/shared", "*.yaml") :
    name => yamldecode(file("${path.module}/manifests/shared/${name}")) if length(var.adopt) > 0
  }
  _cluster = data.terraform_remote_state.infrastructure.outputs.cluster
}

# Its token comes from the run: Terraform Cloud puts one into KUBE_TOKEN.
provider "kubernetes" {
  cluster_ca_certificate = base64decode(local._cluster.ca_certificate)
  host                   = "https://${local._cluster.endpoint}"
}

module "tenants" {
  source = "./modules/tenants"

  folder             = "${path.module}/manifests"
  registry_logins    = var.registry_logins
  registry_revisions = var.registry_revisions
}

import {
  for_each = local._adopted_shared

  to = module.tenants.kubernetes_manifest.shared[each.key]
  id = "apiVersion=${each.value.apiVersion},kind=${each.value.kind},name=${each.value.metadata.name}"
}

import {
  for_each = { for key, file in local._adopted : key => file if file.object.kind == "Namespace" }

  to = module.tenants.module.tenant[each.value.release].kubernetes_manifest.namespace
  id = "apiVersion=v1,kind=Namespace,name=${each.value.object.metadata.name}"
}

import {
  for_each = {
    for key, file in local._adopted : key => file
    if !contains(["Namespace", "RoleBinding"], file.object.kind) && file.name != "serviceaccount-default.yaml"
  }

  to = module.tenants.module.tenant[each.value.release].kubernetes_manifest.fence[each.value.name]
  id = "apiVersion=${each.value.object.apiVersion},kind=${each.value.object.kind},namespace=${each.value.object.metadata.namespace},name=${each.value.object.metadata.name}"
}

import {
  for_each = { for key, file in local._adopted : key => file if file.object.kind == "RoleBinding" }

  to = module.tenants.module.tenant[each.value.release].kubernetes_manifest.binding[each.value.name]
  id = "apiVersion=${each.value.object.apiVersion},kind=${each.value.object.kind},namespace=${each.value.object.metadata.namespace},name=${each.value.object.metadata.name}"
}
