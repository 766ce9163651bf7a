terraform {
  # Arguments that are written and never kept are known from 1.11 on.
  required_version = ">= 1.11, < 2.0"

  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 3.2, < 4.0"
    }
  }
}
