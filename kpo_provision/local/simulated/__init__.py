"""The local cluster without root: a real control plane, and nodes that kwok plays.

Its parts are plain processes of one user that listen on 127.0.0.1. Nothing here makes a node that runs anything, and
nothing here may pretend that one did.
"""
