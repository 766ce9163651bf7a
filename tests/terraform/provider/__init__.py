"""Stands in for hashicorp/google where it cannot be had: Terraform's plugin protocol before, Google's REST API behind.

Knows the resources that the modules use, with names and types as tabulated from the real provider 7.45.0 in
``google.schema``, and makes the calls that the real one makes. What it cannot do it refuses.
"""
