"""What Terraform starts as a provider: asks the nursery for one, and lives as long as it does.

Imports next to nothing, for it is started again and again.
"""

import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX) as nursery:
    nursery.connect(sys.argv[1])
    asked = {"environment": dict(os.environ), "provider": sys.argv[2], "terraform": os.getppid()}
    socket.send_fds(nursery, [json.dumps(asked).encode() + b"\n"], [1, 2])
    nursery.recv(1)
