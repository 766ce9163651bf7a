output "email" {
  description = "E-mail address of the service account, once it has all its roles."
  value       = google_service_account.nodes.email

  # A node that starts before its account may write logs or pull images loses the logs, or the pod.
  depends_on = [google_artifact_registry_repository_iam_member.nodes, google_project_iam_member.nodes]
}
