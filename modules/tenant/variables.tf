variable "folder" {
  description = "Folder of one tenant, `tenants/<release>` of what `kpo-provision render` writes."
  type        = string
  nullable    = false

  validation {
    condition     = length(fileset(var.folder, "namespace-*.yaml")) == 1
    error_message = "folder (${var.folder}) must hold the file of one namespace, as kpo-provision renders it."
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

variable "secrets" {
  description = "Pull secrets of the tenant by registry: the secret's name and the registry's server."
  type = map(object({
    name   = string
    server = string
  }))
  default  = {}
  nullable = false
}
