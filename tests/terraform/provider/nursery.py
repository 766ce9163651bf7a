"""Has the providers imported once, and a fork of it ready whenever Terraform starts the program in the mirror.

A module's tests start a provider a hundred times, and nearly all that a start costs is imports. The first argument is a
folder with a key and a certificate; standard input is the socket at which ``starter`` asks. The second argument is the
number of a socket whose other end is in the hands of whoever laid out the mirror, and the nursery ends with it.
"""

import json
import os
import select
import signal
import socket
import sys
import threading

from tests.terraform.provider.offered import OFFERED
from tests.terraform.provider.service import Service
from tests.terraform.provider.serving import serve

_MOST_BYTES = 2**20


def main():
    folder, owner = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    services = {offered.name: Service(offered) for offered in OFFERED}
    with socket.socket(fileno=sys.stdin.fileno()) as listener:
        while owner not in select.select([listener, owner], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    os.close(owner)
                    serve(services[_become(connection)], folder)


def _become(connection):
    """Take over the environment and the output of the program that Terraform started, and end when either ends.

    A Terraform that is killed outright ends nobody; and this process's end is the program's. Returns the name of the
    provider that it started.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, outputs, _, _ = socket.recv_fds(connection, _MOST_BYTES, 2)
    while not message.endswith(b"\n"):
        more = connection.recv(_MOST_BYTES)
        message += more or sys.exit("Terraform ended the provider before it was there")
    os.environ.clear()
    asked = json.loads(message)
    os.environ.update(asked["environment"])
    for output, place in zip(outputs, (1, 2), strict=True):
        os.dup2(output, place)
        os.close(output)
    watched = [connection.dup(), os.pidfd_open(asked["terraform"])]
    threading.Thread(target=lambda: select.select(watched, [], []) and os._exit(0), daemon=True).start()
    return asked["provider"]


if __name__ == "__main__":
    main()
