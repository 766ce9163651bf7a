"""Stands in for HashiCorp's providers where they cannot be had: Terraform's protocol before, the clouds' APIs behind.

Knows the resources that the modules use, with names and types as tabulated from the real providers in ``*.schema``, and
makes the calls that the real ones make. What it cannot do it refuses.
"""
