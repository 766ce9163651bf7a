output "nodes" {
  description = "Names of the nodes that have joined, by pool."
  value = {
    for pool in distinct([for host in var.hosts : host.pool]) :
    pool => sort([for name, host in terraform_data.host : name if host.output.pool == pool])
  }
}
