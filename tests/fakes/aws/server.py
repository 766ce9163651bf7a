"""AWS as it is played: moto, and beside it what moto lacks. Instances know themselves; groups hear of those that join.

``python -m tests.fakes.aws.server HOST PORT`` serves until it is ended. What instances ask of their metadata service is
answered by the address that they ask from; ``/played/instances`` says who is where. Whoever tells a group how an
instance did has to have signed for it with the login that the metadata service gave, as botocore checks.
"""

import io
import json
import secrets
import sys
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

ROLE = "nodes"
LOGIN = Credentials("ASIAPLAYED", "played+secret/key", "played-session-token")
REGION = "eu-central-1"
_COMPLETED = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"


class _Quiet(MotoRequestHandler):
    def log(self, *_):
        pass


class Amazon:
    def __init__(self):
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._instances = {}
        self._reports = []
        self._sessions = set()

    def __call__(self, environ, start_response):
        request = Request(environ)
        if request.path.startswith("/latest/"):
            return self._answer_metadata(request)(environ, start_response)
        if request.path.startswith("/played/"):
            return self._answer_test(request)(environ, start_response)
        body = request.get_data(cache=True)
        if b"Action=CompleteLifecycleAction" in body:
            return self._complete(request, body)(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        return self._moto(environ, start_response)

    def _answer_metadata(self, request):
        """Version 2 alone: without a session there is no answer."""
        if request.method == "PUT" and request.path == "/latest/api/token":
            session = secrets.token_hex(8)
            self._sessions.add(session)
            return Response(session)
        if request.headers.get("X-aws-ec2-metadata-token") not in self._sessions:
            return Response("no session", status=401)
        instance = self._instances.get(request.remote_addr, {})
        login = {"AccessKeyId": LOGIN.access_key, "SecretAccessKey": LOGIN.secret_key, "Token": LOGIN.token}
        answers = {
            "iam/security-credentials/": ROLE,
            f"iam/security-credentials/{ROLE}": json.dumps(login),
            "instance-id": instance.get("id"),
            "local-ipv4": request.remote_addr,
            "placement/availability-zone": f"{REGION}a",
            "placement/region": REGION,
            "services/domain": "amazonaws.com",
        }
        answer = answers.get(request.path.removeprefix("/latest/meta-data/"))
        return Response(answer) if answer else Response("not found", status=404)

    def _answer_test(self, request):
        if request.path == "/played/instances":
            self._instances |= json.loads(request.get_data())
        return Response(json.dumps({"reports": self._reports}))

    def _complete(self, request, body):
        given = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if not _is_signed(request, body):
            return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", status=403)
        self._reports.append(given)
        return Response(_COMPLETED, content_type="text/xml")


def _is_signed(request, body):
    told = request.headers.get("Authorization", "")
    names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: request.headers[name] for name in names if name in request.headers}
    asked = AWSRequest(method="POST", url=f"http://{request.host}/", data=body, headers=headers)
    asked.context["timestamp"] = request.headers.get("X-Amz-Date", "")
    signer = SigV4Auth(LOGIN, "autoscaling", REGION)
    text = signer.string_to_sign(asked, signer.canonical_request(asked))
    return bool(names) and told.endswith(f"Signature={signer.signature(text, asked)}")


if __name__ == "__main__":
    server = make_server(sys.argv[1], int(sys.argv[2]), Amazon(), threaded=True, request_handler=_Quiet)
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    server.serve_forever()
