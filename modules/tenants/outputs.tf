output "namespaces" {
  description = "Namespaces by tenant."
  value       = { for release, tenant in module.tenant : release => tenant.namespace }
}
