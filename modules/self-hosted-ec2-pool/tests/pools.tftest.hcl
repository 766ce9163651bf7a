# Instances join by a token that only they read, are replaced when they do not, and are known to an autoscaler before they are.

mock_provider "aws" {
  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "111122223333", arn = "arn:aws-cn:sts::111122223333:assumed-role/ops/me" }
  }
}

variables {
  installation       = "acme"
  join_parameter     = "/kpo-provision/acme/join"
  region             = "eu-west-1"
  security_group_ids = ["sg-0123456789abcdef0"]
  subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  tags               = { team = "data" }
  node_pools = {
    elastic = {
      allocatable      = { cpu = "3920m", memory = "14897Mi", pods = "110" }
      image_id         = "ami-0123456789abcdef0"
      labels           = { "kpo-provision.io/pool" = "elastic" }
      machine_type     = "m6i.xlarge"
      max_nodes        = 20
      user_data_base64 = "H4sI"
      taints = [
        { effect = "NoExecute", key = "kpo-provision.io/pool", value = "elastic" },
        { effect = "NoSchedule", key = "kpo-provision.io/pool", value = "elastic" },
      ]
    }
  }
}

run "pods_cannot_have_the_role_of_their_node" {
  command = plan
  assert {
    condition = alltrue([
      for options in aws_launch_template.pool["elastic"].metadata_options :
      options.http_tokens == "required" && options.http_put_response_hop_limit == 1
    ])
    error_message = "A pod that reaches the metadata service reads the token by which anybody's machine joins."
  }
}

run "disks_are_encrypted_and_no_instance_has_a_public_address" {
  command = plan
  assert {
    condition = (
      aws_launch_template.pool["elastic"].block_device_mappings[0].ebs[0].encrypted == "true" &&
      aws_launch_template.pool["elastic"].network_interfaces[0].associate_public_ip_address == "false"
    )
    error_message = "Disks must be encrypted, and nodes must not be on the Internet."
  }
}

run "the_role_reads_one_parameter_and_speaks_for_its_own_groups" {
  command = plan
  assert {
    condition = jsondecode(aws_iam_role_policy.nodes.policy).Statement == [
      {
        Action   = ["ssm:GetParameter"]
        Effect   = "Allow"
        Resource = ["arn:aws-cn:ssm:eu-west-1:111122223333:parameter/kpo-provision/acme/join"]
        Sid      = "ReadTheToken"
      },
      {
        Action = ["autoscaling:CompleteLifecycleAction"]
        Effect = "Allow"
        Resource = [
          "arn:aws-cn:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/acme-elastic",
        ]
        Sid = "SayThatItHasJoined"
      },
    ]
    error_message = "Whatever else the role may do, anybody on a node may do."
  }
}

run "a_key_and_repositories_that_are_named_are_allowed" {
  command = plan
  variables {
    ecr_repositories = ["arn:aws:ecr:eu-west-1:111122223333:repository/tasks"]
    token_kms_key    = "arn:aws:kms:eu-west-1:111122223333:key/1"
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.nodes.policy).Statement : statement.Sid] == [
      "ReadTheToken", "SayThatItHasJoined", "DecryptTheToken", "LogIntoEcr", "PullImages",
    ]
    error_message = "The role must be able to decrypt the token and to pull from the repositories."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.nodes.policy).Statement[2].Condition == {
      StringEquals = { "kms:ViaService" = "ssm.eu-west-1.amazonaws.com" }
    }
    error_message = "The key is for the token alone."
  }
}

run "an_autoscaler_knows_a_node_before_there_is_one" {
  command = plan
  assert {
    condition = {
      for tag in aws_autoscaling_group.pool["elastic"].tag : tag.key => tag.value if !tag.propagate_at_launch
      } == {
      "k8s.io/cluster-autoscaler/acme"                                      = "owned"
      "k8s.io/cluster-autoscaler/enabled"                                   = "true"
      "k8s.io/cluster-autoscaler/node-template/label/kpo-provision.io/pool" = "elastic"
      "k8s.io/cluster-autoscaler/node-template/resources/cpu"               = "3920m"
      "k8s.io/cluster-autoscaler/node-template/resources/memory"            = "14897Mi"
      "k8s.io/cluster-autoscaler/node-template/resources/pods"              = "110"
      "k8s.io/cluster-autoscaler/node-template/taint/kpo-provision.io/pool" = "elastic:NoSchedule"
    }
    error_message = "Without its labels, taints and sizes no pod would make a pool grow from zero."
  }
}

run "an_instance_that_does_not_join_is_replaced" {
  command = plan
  assert {
    condition = alltrue([
      for hook in aws_autoscaling_group.pool["elastic"].initial_lifecycle_hook :
      hook.default_result == "ABANDON" && hook.heartbeat_timeout == 900
    ])
    error_message = "EC2 finds an instance healthy that is no node, and the group would keep it."
  }
}

run "nobody_but_an_autoscaler_takes_instances_away" {
  command = plan
  assert {
    condition = (
      aws_autoscaling_group.pool["elastic"].protect_from_scale_in &&
      contains(aws_autoscaling_group.pool["elastic"].suspended_processes, "AZRebalance")
    )
    error_message = "A group that balances its zones ends instances with running tasks."
  }
}

run "a_spot_pool_is_one" {
  command = plan
  variables {
    node_pools = {
      cheap = {
        image_id         = "ami-0123456789abcdef0"
        machine_type     = "m6i.xlarge"
        max_nodes        = 2
        spot             = true
        user_data_base64 = "H4sI"
      }
    }
  }
  assert {
    condition     = aws_launch_template.pool["cheap"].instance_market_options[0].market_type == "spot"
    error_message = "The pool must be of spot instances."
  }
}
