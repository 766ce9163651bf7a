# The role of the instances: reading one parameter, saying whether they have joined, and pulling from repositories that
# were named. Whoever is on a node has it, so it has nothing more.
data "aws_caller_identity" "current" {}

locals {
  _partition = split(":", data.aws_caller_identity.current.arn)[1]
  _place     = "${var.region}:${data.aws_caller_identity.current.account_id}"

  _statements = concat(
    [
      {
        Action    = ["ssm:GetParameter"]
        Condition = null
        Effect    = "Allow"
        Resource  = ["arn:${local._partition}:ssm:${local._place}:parameter${var.join_parameter}"]
        Sid       = "ReadTheToken"
      },
      {
        Action    = ["autoscaling:CompleteLifecycleAction"]
        Condition = null
        Effect    = "Allow"
        Resource = [
          for name in values(local._names) :
          "arn:${local._partition}:autoscaling:${local._place}:autoScalingGroup:*:autoScalingGroupName/${name}"
        ]
        Sid = "SayThatItHasJoined"
      },
    ],
    [
      for key in var.token_kms_key == null ? [] : [var.token_kms_key] : {
        Action    = ["kms:Decrypt"]
        Condition = { StringEquals = { "kms:ViaService" = "ssm.${var.region}.amazonaws.com" } }
        Effect    = "Allow"
        Resource  = [key]
        Sid       = "DecryptTheToken"
      }
    ],
    length(var.ecr_repositories) == 0 ? [] : [
      {
        Action    = ["ecr:GetAuthorizationToken"]
        Condition = null
        Effect    = "Allow"
        Resource  = ["*"]
        Sid       = "LogIntoEcr"
      },
      {
        Action    = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Condition = null
        Effect    = "Allow"
        Resource  = var.ecr_repositories
        Sid       = "PullImages"
      },
    ],
  )
}

resource "aws_iam_role" "nodes" {
  assume_role_policy = jsonencode({
    Statement = [{ Action = "sts:AssumeRole", Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" } }]
    Version   = "2012-10-17"
  })
  description          = "Made by kpo-provision: what nodes need to join, and nothing that pods could misuse."
  name                 = local._identity
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "nodes" {
  name = "join"
  policy = jsonencode({
    Statement = [for statement in local._statements : { for key, value in statement : key => value if value != null }]
    Version   = "2012-10-17"
  })
  role = aws_iam_role.nodes.name
}

resource "aws_iam_instance_profile" "nodes" {
  name = local._identity
  role = aws_iam_role.nodes.name
  tags = var.tags
}

locals {
  # Roles are of the whole account: the same installation may be in two regions.
  _identity = "kpo-${trimsuffix(substr(var.installation, 0, 40), "-")}-${substr(sha1("${var.region}/${var.installation}"), 0, 6)}"
}
