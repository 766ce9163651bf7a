variable "account_id" {
  description = "ID of the service account: what stands before the @ of its e-mail address."
  type        = string
  nullable    = false

  validation {
    condition     = length(regexall("^[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.account_id)) == 1
    error_message = "account_id (${var.account_id}) must have 6 to 30 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "project" {
  description = "ID of the project of the service account."
  type        = string
  nullable    = false
}

variable "artifact_registries" {
  description = "Artifact Registry repositories that the nodes may pull from; `project` is the account's when absent."
  type = map(object({
    location   = string
    project    = optional(string)
    repository = string
  }))
  default  = {}
  nullable = false
}

variable "display_name" {
  description = "Name of the service account as people read it."
  type        = string
  default     = "GKE nodes"
  nullable    = false
}
