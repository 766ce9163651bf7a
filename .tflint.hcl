plugin "terraform" {
  enabled = true
  preset  = "all"
}

rule "terraform_naming_convention" {
  enabled = true

  # A leading underscore is a value that only its file needs.
  locals {
    custom = "^_?[a-z][a-z0-9_]*$"
  }
}

rule "terraform_standard_module_structure" {
  # A module with many variables has them in files by what they are for.
  enabled = false
}
