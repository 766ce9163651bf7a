# What every kind of node pool has in common: the label by which KPO pods find it and the taints that keep the rest out.
# NoExecute stands beside NoSchedule because a pod that names its node passes the scheduler by.
locals {
  _owner    = var.installation == null ? {} : { "kpo-provision.io/installation" = var.installation }
  _pool_key = "kpo-provision.io/pool"

  node_pools = {
    for name, pool in var.node_pools : name => {
      labels    = tomap(merge(pool.labels, local._owner, { (local._pool_key) = name }))
      max_nodes = pool.max_nodes
      min_nodes = pool.min_nodes
      taints = pool.dedicated ? [
        for effect in ["NoSchedule", "NoExecute"] : { effect = effect, key = local._pool_key, value = name }
      ] : []
    }
  }
}
