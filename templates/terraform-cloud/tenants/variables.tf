variable "infrastructure" {
  description = "The workspace that knows the cluster, which shares its state with this one."
  type = object({
    hostname     = string
    organization = string
    workspaces   = object({ name = string })
  })
  nullable = false
}

variable "adopt" {
  description = "Tenants whose objects are on the cluster already, made by kpo-provision apply: they are imported."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for release in var.adopt : length(fileset("${path.module}/manifests/tenants/${release}", "namespace-*.yaml")) == 1
    ])
    error_message = "adopt (${join(", ", var.adopt)}) must name tenants of the spec."
  }
}

variable "registry_logins" {
  description = "Logins by registry; written to pull secrets and kept nowhere."
  type = map(object({
    password = string
    username = string
  }))
  default   = {}
  ephemeral = true
  nullable  = false
  sensitive = true
}

variable "registry_revisions" {
  description = "Registries whose pull secrets are made here, each with a number that is raised when its login has changed."
  type        = map(number)
  default     = {}
  nullable    = false
}
