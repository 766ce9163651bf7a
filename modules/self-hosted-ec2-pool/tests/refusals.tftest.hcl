# What the module refuses, before AWS would, or instead of it.

mock_provider "aws" {
  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "111122223333", arn = "arn:aws:sts::111122223333:assumed-role/ops/me" }
  }
}

variables {
  installation       = "acme"
  join_parameter     = "/kpo-provision/acme/join"
  node_pools         = {}
  region             = "eu-west-1"
  security_group_ids = ["sg-0123456789abcdef0"]
  subnet_ids         = ["subnet-0123456789abcdef0"]
}

run "refuses_an_installation_that_is_no_label" {
  command = plan
  variables {
    installation = "Acme"
  }
  expect_failures = [var.installation]
}

run "refuses_a_parameter_of_aws_itself" {
  command = plan
  variables {
    join_parameter = "/aws/join"
  }
  expect_failures = [var.join_parameter]
}

run "refuses_a_pool_name_that_is_no_label" {
  command = plan
  variables {
    node_pools = { Elastic = { image_id = "ami-01234567", machine_type = "m6i.large", max_nodes = 1, user_data_base64 = "" } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_image_by_name" {
  command = plan
  variables {
    node_pools = { a = { image_id = "ubuntu", machine_type = "m6i.large", max_nodes = 1, user_data_base64 = "" } }
  }
  expect_failures = [var.node_pools]
}

run "refuses_fewer_nodes_than_the_least" {
  command = plan
  variables {
    node_pools = {
      a = { image_id = "ami-01234567", machine_type = "m6i.large", max_nodes = 1, min_nodes = 2, user_data_base64 = "" }
    }
  }
  expect_failures = [var.node_pools]
}

run "refuses_user_data_that_ec2_would_not_take" {
  command = plan
  variables {
    node_pools = {
      a = {
        image_id         = "ami-01234567"
        machine_type     = "m6i.large"
        max_nodes        = 1
        user_data_base64 = join("", [for number in range(1000) : "AAAAAAAAAAAAAAAAAAAAAAAA"])
      }
    }
  }
  expect_failures = [var.node_pools]
}

run "refuses_an_effect_that_is_none" {
  command = plan
  variables {
    node_pools = {
      a = {
        image_id         = "ami-01234567"
        machine_type     = "m6i.large"
        max_nodes        = 1
        taints           = [{ effect = "NoRun", key = "a", value = "b" }]
        user_data_base64 = ""
      }
    }
  }
  expect_failures = [var.node_pools]
}

run "refuses_what_is_no_region" {
  command = plan
  variables {
    region = "europe"
  }
  expect_failures = [var.region]
}

run "refuses_to_use_the_default_security_group" {
  command = plan
  variables {
    security_group_ids = []
  }
  expect_failures = [var.security_group_ids]
}

run "refuses_to_be_nowhere" {
  command = plan
  variables {
    subnet_ids = []
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_repositories_by_url" {
  command = plan
  variables {
    ecr_repositories = ["111122223333.dkr.ecr.eu-west-1.amazonaws.com/tasks"]
  }
  expect_failures = [var.ecr_repositories]
}

run "refuses_a_time_that_no_hook_waits" {
  command = plan
  variables {
    join_timeout_seconds = 86400
  }
  expect_failures = [var.join_timeout_seconds]
}
