# The root for those who use this repository as a Terraform module. It wires modules and has no resource of its own.
module "node_pool_shape" {
  source     = "./modules/node-pool-shape"
  node_pools = var.node_pools
}
