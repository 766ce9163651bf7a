variable "project" {
  description = "ID of the project of the cluster."
  type        = string
  nullable    = false
}
