# A pool's label and taints are what admission and scheduling rely on; each validation has a run that it refuses.

run "a_pool_carries_its_label_and_both_taints" {
  command = plan
  variables {
    node_pools = { standard = { labels = { team = "data" } } }
  }
  assert {
    condition     = output.node_pools.standard.labels == tomap({ team = "data", "kpo-provision.io/pool" = "standard" })
    error_message = "The pool's own label is missing, or another was lost."
  }
  assert {
    condition     = join(",", output.node_pools.standard.taints[*].effect) == "NoSchedule,NoExecute"
    error_message = "A dedicated pool must carry both taints."
  }
}

run "a_pool_of_an_installation_says_whose_it_is" {
  command = plan
  variables {
    installation = "acme"
    node_pools   = { standard = {} }
  }
  assert {
    condition     = output.node_pools.standard.labels["kpo-provision.io/installation"] == "acme"
    error_message = "The pool does not say which installation it was made for."
  }
}

run "a_shared_pool_carries_no_taint" {
  command = plan
  variables {
    node_pools = { only = { dedicated = false } }
  }
  assert {
    condition     = length(output.node_pools.only.taints) == 0
    error_message = "A pool that is not dedicated must not be tainted."
  }
}

run "refuses_a_name_that_is_no_dns_label" {
  command = plan
  variables {
    node_pools = { Big_Pool = {} }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_installation_that_is_no_dns_label" {
  command = plan
  variables {
    installation = "Acme Ltd"
    node_pools   = { standard = {} }
  }
  expect_failures = [var.installation]
}

run "refuses_a_negative_minimum" {
  command = plan
  variables {
    node_pools = { standard = { min_nodes = -1 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_maximum_below_the_minimum" {
  command = plan
  variables {
    node_pools = { standard = { min_nodes = 4, max_nodes = 3 } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_a_label_of_our_own" {
  command = plan
  variables {
    node_pools = { standard = { labels = { "kpo-provision.io/pool" = "other" } } }
  }
  expect_failures = [var.node_pools]
}
