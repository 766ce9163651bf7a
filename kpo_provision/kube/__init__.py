"""The one door to Kubernetes: connection, requests, watches, logs and exec over plain dictionaries.

Nothing outside this package may import ``kubernetes`` or ``websocket``.
"""
