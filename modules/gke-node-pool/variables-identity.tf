variable "artifact_registries" {
  description = "Artifact Registry repositories that the nodes may pull from; `project` is the cluster's when absent. Has no effect on a service account of your own."
  type = map(object({
    location   = string
    project    = optional(string)
    repository = string
  }))
  default  = {}
  nullable = false
}

variable "installation" {
  description = "Name of the installation that the pools are made for: a label on their nodes, by which kpo-provision knows its own pools again; none when absent."
  type        = string
  default     = null
}

variable "service_account" {
  description = "Service account of the nodes: one of your own by `email`, or else one that is made; its ID is made from the cluster's name where `account_id` is absent."
  type = object({
    account_id = optional(string)
    email      = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.service_account.account_id == null || var.service_account.email == null
    error_message = "Give account_id for a service account that is made, or email for one of your own, and not both."
  }

  validation {
    condition     = var.service_account.email == null ? true : length(regexall("^[^@ ]+@[^@ ]+$", var.service_account.email)) == 1
    error_message = "service_account.email must be an e-mail address, such as nodes@project.iam.gserviceaccount.com."
  }

  validation {
    condition = var.service_account.account_id == null ? true : (
      length(regexall("^[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.service_account.account_id)) == 1
    )
    error_message = "service_account.account_id must have 6 to 30 lower-case letters, digits and hyphens, and begin with a letter."
  }
}
