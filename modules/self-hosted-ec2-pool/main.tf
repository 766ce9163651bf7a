# Auto-scaling groups whose instances join a cluster by themselves. What an instance is told is in its user data, which
# has no secret: the token by which it joins waits in SSM Parameter Store, where only these instances read it.
locals {
  _names = { for name in keys(var.node_pools) : name => "${var.installation}-${name}" }

  # For an autoscaler that has to know what a node would be like before there is one. It drops what it cannot parse
  # without a word (cluster-autoscaler, cloudprovider/aws/aws_manager.go, read 2026-11-23).
  _node_template = "k8s.io/cluster-autoscaler/node-template"
  _hints = {
    for name, pool in var.node_pools : name => merge(
      {
        "k8s.io/cluster-autoscaler/enabled"             = "true"
        "k8s.io/cluster-autoscaler/${var.installation}" = "owned"
      },
      { for key, value in pool.labels : "${local._node_template}/label/${key}" => value },
      { for key, quantity in pool.allocatable : "${local._node_template}/resources/${key}" => quantity },
      # A tag has one value, and a key may have several taints; that which keeps pods from being scheduled counts.
      {
        for key in distinct(pool.taints[*].key) : "${local._node_template}/taint/${key}" => concat(
          [for taint in pool.taints : "${taint.value}:${taint.effect}" if taint.key == key && taint.effect == "NoSchedule"],
          [for taint in pool.taints : "${taint.value}:${taint.effect}" if taint.key == key],
        )[0]
      },
    )
  }
}

resource "aws_launch_template" "pool" {
  for_each = var.node_pools

  ebs_optimized          = true
  image_id               = each.value.image_id
  instance_type          = each.value.machine_type
  name                   = local._names[each.key]
  tags                   = var.tags
  update_default_version = true
  user_data              = each.value.user_data_base64

  block_device_mappings {
    device_name = each.value.root_device

    ebs {
      delete_on_termination = "true"
      encrypted             = "true"
      kms_key_id            = var.disk_kms_key
      volume_size           = each.value.disk_gib
      volume_type           = "gp3"
    }
  }

  iam_instance_profile {
    arn = aws_iam_instance_profile.nodes.arn
  }

  dynamic "instance_market_options" {
    for_each = each.value.spot ? [true] : []
    content {
      market_type = "spot"
    }
  }

  # One hop: a pod is a hop further, and must not have the role of its node, which reads the token.
  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
    instance_metadata_tags      = "disabled"
  }

  network_interfaces {
    associate_public_ip_address = "false"
    delete_on_termination       = "true"
    security_groups             = var.security_group_ids
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume"]
    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = local._names[each.key] })
    }
  }
}

resource "aws_autoscaling_group" "pool" {
  for_each = var.node_pools

  capacity_rebalance = false
  # Scaling in is the autoscaler's, which knows the pods; what goes by another hand goes at once.
  desired_capacity      = each.value.min_nodes
  force_delete          = true
  health_check_type     = "EC2"
  max_size              = each.value.max_nodes
  min_size              = each.value.min_nodes
  name                  = local._names[each.key]
  protect_from_scale_in = true
  # Moving instances between zones would end those with running tasks.
  suspended_processes = ["AZRebalance"]
  vpc_zone_identifier = var.subnet_ids
  # Whoever applies waits for nodes, and not for instances.
  wait_for_capacity_timeout = "0"

  # An instance that has not said in time that it has joined is replaced: otherwise it would be in the way for ever.
  initial_lifecycle_hook {
    default_result       = "ABANDON"
    heartbeat_timeout    = var.join_timeout_seconds
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    name                 = "kpo-provision-join"
  }

  launch_template {
    id      = aws_launch_template.pool[each.key].id
    version = aws_launch_template.pool[each.key].latest_version
  }

  # Not on instances, whose tags must not have a slash where their metadata shows them.
  dynamic "tag" {
    for_each = local._hints[each.key]
    content {
      key                 = tag.key
      propagate_at_launch = false
      value               = tag.value
    }
  }

  dynamic "tag" {
    for_each = var.tags
    content {
      key                 = tag.key
      propagate_at_launch = true
      value               = tag.value
    }
  }

  lifecycle {
    # The autoscaler owns the number of nodes.
    ignore_changes = [desired_capacity]
  }

  # An instance that starts before its role may read the token would wait for it.
  depends_on = [aws_iam_role_policy.nodes]
}
