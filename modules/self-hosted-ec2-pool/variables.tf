variable "installation" {
  description = "Name of the installation: part of the names of what is made, and the name by which cluster-autoscaler finds its groups (`--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/<installation>`)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.installation))
    error_message = "installation must be a DNS-1123 label of at most 63 characters."
  }
}

variable "join_parameter" {
  description = "Name of the SecureString in SSM Parameter Store that holds the join token; `kpo-provision token rotate` writes it, and nothing in Terraform reads it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.join_parameter)) && !can(regex("(?i)^/(aws|ssm)", var.join_parameter))
    error_message = "join_parameter must be a path such as /kpo-provision/acme/join, and SSM keeps those that begin with aws and ssm to itself."
  }
}

variable "node_pools" {
  description = "Pools, by name. `user_data_base64` is what `kpo-provision` renders for them: how the instances join, without a secret; `labels`, `taints` and `allocatable` are what their nodes will have, for an autoscaler that has to know it before there is one; `root_device` is the image's."
  type = map(object({
    allocatable      = optional(map(string), {})
    disk_gib         = optional(number, 100)
    image_id         = string
    labels           = optional(map(string), {})
    machine_type     = string
    max_nodes        = number
    min_nodes        = optional(number, 0)
    root_device      = optional(string, "/dev/sda1")
    spot             = optional(bool, false)
    user_data_base64 = string

    taints = optional(list(object({
      effect = string
      key    = string
      value  = string
    })), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.node_pools) : can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", name))])
    error_message = "Pool names must be DNS-1123 labels of at most 63 characters; got: ${join(", ", keys(var.node_pools))}."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : can(regex("^ami-[0-9a-f]{8,17}$", pool.image_id))])
    error_message = "image_id must be the id of an image, such as ami-0123456789abcdef0: a name that moves would make new launch templates by itself."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : pool.min_nodes >= 0 && pool.max_nodes >= max(1, pool.min_nodes)])
    error_message = "max_nodes must be at least 1 and at least min_nodes; got: ${jsonencode({ for name, pool in var.node_pools : name => [pool.min_nodes, pool.max_nodes] })}."
  }

  validation {
    condition     = alltrue([for pool in values(var.node_pools) : length(pool.user_data_base64) <= 21848])
    error_message = "EC2 takes 16 KiB of user data, 21848 characters in Base64; got: ${jsonencode({ for name, pool in var.node_pools : name => length(pool.user_data_base64) })}."
  }

  validation {
    condition     = alltrue(flatten([for pool in values(var.node_pools) : [for taint in pool.taints : contains(["NoSchedule", "NoExecute", "PreferNoSchedule"], taint.effect)]]))
    error_message = "The effect of a taint must be NoSchedule, NoExecute or PreferNoSchedule."
  }
}

variable "region" {
  description = "Region of the provider, such as eu-west-1: part of the names that the role is about."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region such as eu-west-1."
  }
}

variable "security_group_ids" {
  description = "Security groups of the instances: they must reach the API server, the registries and the AWS APIs, and be reached at 10250 by the control plane."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids must name at least one: the default group of a VPC lets in whatever else is in it."
  }
}

variable "subnet_ids" {
  description = "Subnets of the instances, one a zone. Instances get no public address."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one."
  }
}

variable "disk_kms_key" {
  description = "ARN of the KMS key of the disks; the account's own key for EBS when absent. Disks are always encrypted."
  type        = string
  default     = null
}

variable "ecr_repositories" {
  description = "ARNs of the ECR repositories that the nodes may pull from."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.ecr_repositories : can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/.+$", arn))])
    error_message = "ecr_repositories must be ARNs such as arn:aws:ecr:eu-west-1:111122223333:repository/tasks."
  }
}

variable "join_timeout_seconds" {
  description = "How long an instance may take to boot and to join, until it is replaced."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.join_timeout_seconds >= 60 && var.join_timeout_seconds <= 7200
    error_message = "join_timeout_seconds must be between 60 and 7200, the longest that a lifecycle hook waits."
  }
}

variable "permissions_boundary" {
  description = "ARN of the permissions boundary of the role, where the account asks for one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all that is made, the instances and their disks among it."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "token_kms_key" {
  description = "ARN of the KMS key that the join token is encrypted with; the account's own key for SSM, which every role may use through SSM, when absent."
  type        = string
  default     = null
}
