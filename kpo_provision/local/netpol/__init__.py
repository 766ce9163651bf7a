"""Network policies in force on the local cluster: one process that keeps nftables in step with the API server.

All pods of the local cluster hang on point-to-point links in one network namespace, so that every packet between two
pods, and between a pod and a node, is routed there and passes the hooks where the rules of this package stand. It is
no general agent: it knows IPv4, one network namespace, and the policies of ``networking.k8s.io/v1``.

    api      one connection to the API server
    watch    list and watch  ->  inventory  ->  rules (pure)  ->  nft
    gate     a CNI plugin: says a new pod's address before the API server shows it, and holds the pod back until
             its rules are in force  ->  gatekeeper  ->  announcements

It starts with the cluster and with little memory, so nothing here may import a Kubernetes client or pydantic.
"""
