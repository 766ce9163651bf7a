"""How a cluster, its API server and its nodes are on a network: asked for in an older form or a newer one, answered in
both."""

_PRIVATE_ENDPOINT = "10.132.0.2"


def complete(body, *, project, location, endpoint):
    """Return the fields of a cluster that say so, from what was asked for in either form."""
    older, newer = body.get("privateClusterConfig", {}), body.get("controlPlaneEndpointsConfig", {})
    addressed, network = newer.get("ipEndpointsConfig", {}), body.get("networkConfig", {})
    is_public = addressed.get("enablePublicEndpoint", not older.get("enablePrivateEndpoint", False))
    has_private_nodes = network.get("defaultEnablePrivateNodes", older.get("enablePrivateNodes", False))
    authorized = addressed.get("authorizedNetworksConfig", body.get("masterAuthorizedNetworksConfig", {}))
    addresses = {"privateEndpoint": _PRIVATE_ENDPOINT, **({"publicEndpoint": endpoint} if is_public else {})}
    names = {kind: body.get(kind, "default").rpartition("/")[2] for kind in ("network", "subnetwork")}
    region = "-".join(location.split("-")[:2])
    return {
        **names,
        "networkConfig": {
            **network,
            "network": f"projects/{project}/global/networks/{names['network']}",
            "subnetwork": f"projects/{project}/regions/{region}/subnetworks/{names['subnetwork']}",
            "defaultEnablePrivateNodes": has_private_nodes,
        },
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": newer.get("dnsEndpointConfig", {}),
            "ipEndpointsConfig": {
                "enabled": True,
                **addressed,
                **addresses,
                "enablePublicEndpoint": is_public,
                "authorizedNetworksConfig": authorized,
            },
        },
        "masterAuthorizedNetworksConfig": authorized,
        "privateClusterConfig": {
            **older,
            **addresses,
            "enablePrivateEndpoint": not is_public,
            "enablePrivateNodes": has_private_nodes,
        },
    }
