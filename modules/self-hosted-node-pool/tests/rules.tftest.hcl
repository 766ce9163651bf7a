# Every rule refuses what it is about. Nothing here reaches a host.
variables {
  cluster = {
    api_server = "10.0.0.1:6443"
    ca_pins    = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
    version    = "1.36"
  }
  hosts = {
    node-1 = {
      address           = "10.0.4.11"
      host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
      pool              = "standard"
      user              = "ops"
      containerd_config = { v2 = "version = 2", v3 = "version = 3" }
      files             = { "/etc/sysctl.d/90-kpo-provision.conf" = { content = "net.ipv4.ip_forward = 1\n" } }
    }
  }
}

run "a_host_is_two_resources_that_hold_no_secret" {
  command = plan

  assert {
    condition     = terraform_data.host["node-1"].input.become == "sudo -n bash"
    error_message = "A user that is not root becomes root by sudo."
  }

  assert {
    condition     = !strcontains(jsonencode(terraform_data.host["node-1"].input), "abcdef.0123456789abcdef")
    error_message = "The token is in no state."
  }

  variables {
    join_token = "abcdef.0123456789abcdef"
  }
}

run "what_a_host_is_told_decides_over_its_configuration" {
  command = plan

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        containerd_config = { v2 = "it's", v3 = "it's" }
        files             = {}
      }
    }
  }

  assert {
    condition     = terraform_data.host["node-1"].input.become == "bash"
    error_message = "Root needs no sudo."
  }
}

run "an_api_server_is_host_and_port" {
  command         = plan
  expect_failures = [var.cluster]

  variables {
    cluster = {
      api_server = "https://10.0.0.1:6443"
      ca_pins    = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
      version    = "1.36"
    }
  }
}

run "a_cluster_has_a_pin" {
  command         = plan
  expect_failures = [var.cluster]

  variables {
    cluster = { api_server = "10.0.0.1:6443", ca_pins = [], version = "1.36" }
  }
}

run "a_version_is_one_of_kubernetes" {
  command         = plan
  expect_failures = [var.cluster]

  variables {
    cluster = {
      api_server = "10.0.0.1:6443"
      ca_pins    = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
      version    = "latest"
    }
  }
}

run "a_host_has_a_key" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = ""
        pool              = "standard"
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "a_bastion_has_a_key" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        bastion           = { address = "192.0.2.1", host_key = "yes" }
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "a_node_has_a_name_that_kubernetes_takes" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      Node_1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "an_architecture_is_one_that_is_known" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        architecture      = "x86_64"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "a_file_stays_where_it_says" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        containerd_config = { v2 = "", v3 = "" }
        files             = { "/etc/../root/.ssh/authorized_keys" = { content = "" } }
      }
    }
  }
}

run "a_registry_is_asked_by_its_url" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        registries        = ["registry.acme.io:5000"]
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "a_proxy_has_no_login" {
  command         = plan
  expect_failures = [var.hosts]

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        proxy             = { url = "http://user:password@proxy.acme.io:3128" }
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }
}

run "a_host_asks_registries_by_its_proxy" {
  command = plan

  variables {
    hosts = {
      node-1 = {
        address           = "10.0.4.11"
        host_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
        pool              = "standard"
        proxy             = { url = "http://proxy.acme.io:3128", exceptions = ["10.0.0.0/8", ".svc"] }
        registries        = ["https://registry.acme.io:5000"]
        containerd_config = { v2 = "", v3 = "" }
        files             = {}
      }
    }
  }

  assert {
    condition     = strcontains(terraform_data.host["node-1"].input.leave, "IMAGE_PROXY='http://proxy.acme.io:3128'")
    error_message = "The proxy is among the settings."
  }

  assert {
    condition     = strcontains(terraform_data.host["node-1"].input.leave, "IMAGE_NO_PROXY='10.0.0.0/8,.svc'")
    error_message = "So is what is near."
  }
}

run "a_look_has_a_time" {
  command         = plan
  expect_failures = [var.looked_at]

  variables {
    looked_at = "yesterday"
  }
}

run "refuses_a_bundle_that_nothing_holds_to_its_contents" {
  command = plan
  variables {
    bundle = { containerd = "2.4.2", kubernetes = "1.37.2", programs = ["kubelet"], sha256 = "" }
  }
  expect_failures = [var.bundle]
}
