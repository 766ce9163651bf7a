variable "folder" {
  description = "Folder with the manifests that `kpo-provision render` writes."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists("${var.folder}/secrets.json")
    error_message = "folder (${var.folder}) must be one that kpo-provision has rendered; it has no secrets.json."
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

  validation {
    condition     = length(setsubtract(keys(var.registry_revisions), keys(var.registry_logins))) == 0
    error_message = "registry_logins must have a login for every registry that registry_revisions names."
  }
}

variable "registry_revisions" {
  description = "Registries whose pull secrets are made here, each with a number that is raised when its login has changed."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for revision in values(var.registry_revisions) : revision >= 1 && floor(revision) == revision])
    error_message = "registry_revisions must be whole numbers from 1 on: ${jsonencode(var.registry_revisions)}."
  }
}
