output "groups" {
  description = "Names of the auto-scaling groups, by pool."
  value       = { for name, group in aws_autoscaling_group.pool : name => group.name }
}

output "role_arn" {
  description = "ARN of the role of the instances, for those who let it pull images or decrypt disks."
  value       = aws_iam_role.nodes.arn
}
