output "namespace" {
  description = "Namespace of the tenant, once Airflow is let in."
  value       = local._namespace.metadata.name

  depends_on = [kubernetes_manifest.binding]
}
