"""Serves the provider to the Terraform that started it: HashiCorp's go-plugin handshake, then gRPC over TLS.

Terraform starts a provider many times a run, so nothing is made here that can be found ready.
"""

import os
import re
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path

import grpc

from tests.terraform.provider.wire import CALLS, MESSAGES

_WORKERS = 64
"""Terraform applies ten resources at a time unless told otherwise, and each waits for an operation here."""


def serve(service, folder):
    """Serve until Terraform has enough, and end the process; ``folder`` has a key and a certificate."""
    stopped = threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_WORKERS))
    server.add_generic_rpc_handlers((_provider(service), _controller(stopped), _stdio()))
    certificate, credentials = _load_certificate(folder)
    with tempfile.TemporaryDirectory(prefix="tf-provider-") as place:
        address = f"{place}/socket"
        server.add_secure_port(f"unix:{address}", credentials)
        server.start()
        sys.stdout.write(f"1|5|unix|{address}|grpc|{certificate}\n")
        sys.stdout.flush()
        stopped.wait()
    # Terraform kills a provider that takes its time to leave, and gRPC takes its time to be torn down.
    os._exit(0)


def _provider(service):
    handlers = {}
    for name, (request, response) in CALLS.items():
        method = getattr(service, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
        handlers[name] = grpc.unary_unary_rpc_method_handler(
            lambda message, _context, method=method: method(message),
            request_deserializer=MESSAGES[request].FromString,
            response_serializer=MESSAGES[response].SerializeToString,
        )
    return grpc.method_handlers_generic_handler("tfplugin5.Provider", handlers)


def _controller(stopped):
    def shut_down(_request, _context):
        stopped.set()
        return MESSAGES["Empty"]()

    handler = grpc.unary_unary_rpc_method_handler(
        shut_down, MESSAGES["Empty"].FromString, MESSAGES["Empty"].SerializeToString
    )
    return grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": handler})


def _stdio():
    handler = grpc.unary_stream_rpc_method_handler(
        lambda _request, _context: iter(()), MESSAGES["Empty"].FromString, MESSAGES["StdioData"].SerializeToString
    )
    return grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": handler})


def _load_certificate(folder):
    """Return the certificate as the handshake wants it, and what the server needs."""
    pem = Path(folder, "certificate.pem").read_bytes()
    encoded = "".join(pem.decode().splitlines()[1:-1]).rstrip("=")
    return encoded, grpc.ssl_server_credentials([(Path(folder, "key.pem").read_bytes(), pem)])
