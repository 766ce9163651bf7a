"""Google's published messages as the judge of every body: what is not in them is refused, as the real API does."""

import json

from google.cloud import container_v1
from google.protobuf import json_format

from tests.fakes.gke.answers import RefusedError


def check(kind, body):
    """Return ``body`` in the form in which Google answers; ``kind`` is the name of the message."""
    message = getattr(container_v1, kind).pb()()
    try:
        json_format.Parse(json.dumps(body), message)
    except json_format.ParseError as e:
        raise RefusedError(400, f"Invalid JSON payload received. {e}") from e
    return json_format.MessageToDict(message)
