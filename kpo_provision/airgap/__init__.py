"""Bundles for hosts without the Internet: one file with the programs, units and images that a node needs.

Made where there is a way to them, carried where there is none, and put on a host when it joins.
"""
