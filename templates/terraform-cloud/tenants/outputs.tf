output "namespaces" {
  description = "Namespaces by tenant, each once Airflow is let in."
  value       = module.tenants.namespaces
}
