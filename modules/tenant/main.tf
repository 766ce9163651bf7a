# One tenant, in the order that keeps a half-built one closed: its namespace, its fences and pull secrets, and last the
# bindings that let Airflow in.
locals {
  _objects = {
    for name in fileset(var.folder, "*.yaml") : name => yamldecode(file("${var.folder}/${name}"))
  }
  _bindings = { for name, object in local._objects : name => object if object.kind == "RoleBinding" }
  _default  = local._objects["serviceaccount-default.yaml"]
  _fences = {
    for name, object in local._objects : name => object
    if !contains(["Namespace", "RoleBinding"], object.kind) && name != "serviceaccount-default.yaml"
  }
  _namespace = one([for object in local._objects : object if object.kind == "Namespace"])
  _secrets   = { for registry, secret in var.secrets : registry => secret if contains(keys(var.registry_revisions), registry) }
}

resource "kubernetes_manifest" "namespace" {
  manifest = local._namespace

  field_manager {
    name = "kpo-provision"
  }
}

resource "kubernetes_manifest" "fence" {
  for_each = local._fences

  manifest = each.value

  field_manager {
    name = "kpo-provision"
  }

  # Until its controller has counted, a quota refuses nothing.
  dynamic "wait" {
    for_each = each.value.kind == "ResourceQuota" ? ["counted"] : []

    content {
      fields = { for name, amount in each.value.spec.hard : "status.hard[\"${name}\"]" => ".+" }
    }
  }

  depends_on = [kubernetes_manifest.namespace]
}

# Kubernetes makes this account with the namespace, and kubernetes_manifest refuses what is there already.
resource "kubernetes_default_service_account_v1" "default" {
  automount_service_account_token = local._default.automountServiceAccountToken

  dynamic "image_pull_secret" {
    for_each = try(local._default.imagePullSecrets, [])

    content {
      name = image_pull_secret.value.name
    }
  }

  metadata {
    labels    = local._default.metadata.labels
    namespace = local._default.metadata.namespace
  }

  # Annotations of others on an account that Kubernetes made stay theirs.
  lifecycle {
    ignore_changes = [metadata[0].annotations]
  }

  depends_on = [kubernetes_manifest.namespace]
}

# The password is an argument that is written and never kept; its revision is what a plan compares.
resource "kubernetes_secret_v1" "registry" {
  for_each = local._secrets

  data_wo = {
    ".dockerconfigjson" = jsonencode({
      auths = {
        (each.value.server) = {
          auth = base64encode("${var.registry_logins[each.key].username}:${var.registry_logins[each.key].password}")
        }
      }
    })
  }
  data_wo_revision = var.registry_revisions[each.key]
  type             = "kubernetes.io/dockerconfigjson"

  metadata {
    labels = {
      for name in ["app.kubernetes.io/managed-by", "kpo-provision.io/installation", "kpo-provision.io/tenant"] :
      name => local._namespace.metadata.labels[name]
    }
    name      = each.value.name
    namespace = local._namespace.metadata.name
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "binding" {
  for_each = local._bindings

  manifest = each.value

  field_manager {
    name = "kpo-provision"
  }

  depends_on = [
    kubernetes_default_service_account_v1.default,
    kubernetes_manifest.fence,
    kubernetes_secret_v1.registry,
  ]
}
