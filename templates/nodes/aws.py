"""What an EC2 instance asks AWS while it joins. Needs Python alone, which cloud-init has brought: no SDK, no CLI.

    facts                          its region, zone, id and address, in one line
    token PARAMETER                the join token; waits until it may be read
    report RESULT GROUP HOOK       CONTINUE or ABANDON to its auto-scaling group

Requests are signed with Signature Version 4 (AWS General Reference, read 2026-11-26). Settings have the names that the
SDKs of AWS know. Python may be as old as 3.9.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

_METADATA = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
_PATIENCE_S = float(os.environ.get("KPO_PROVISION_PATIENCE_S", "600"))
_PAUSE_S = 5
_TIMEOUT_S = 10
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RefusedError(Exception):
    """AWS said no, or nothing."""


def read_metadata(path: str) -> str:
    """Ask the instance's metadata service, by version 2 of it: a session first, then the question."""
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    session = send("PUT", f"{_METADATA}/latest/api/token", headers, b"")
    return send("GET", f"{_METADATA}/latest/{path}", {"X-aws-ec2-metadata-token": session}, None)


def send(method: str, url: str, headers: dict[str, str], body: bytes | None) -> str:
    """Send a request past any proxy.

    Raises:
        RefusedError: It was refused, or there was no answer.
    """
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with _DIRECT.open(request, timeout=_TIMEOUT_S) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise RefusedError(f"{url}: HTTP {error.code}: {error.read(400).decode(errors='replace')}") from error
    except OSError as error:
        raise RefusedError(f"{url}: {error}") from error


def call(service: str, headers: dict[str, str], body: bytes) -> str:
    """Send a signed request to a service of the instance's own region."""
    region = read_metadata("meta-data/placement/region")
    role = read_metadata("meta-data/iam/security-credentials/").split()[0]
    login = json.loads(read_metadata(f"meta-data/iam/security-credentials/{role}"))
    domain = read_metadata("meta-data/services/domain")
    own = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    url = own or f"https://{service}.{region}.{domain}"
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    told = {**headers, "Host": urllib.parse.urlsplit(url).netloc, "X-Amz-Date": moment}
    return send("POST", f"{url.rstrip('/')}/", sign(told, body, login, f"{region}/{service}"), body)


def sign(headers: dict[str, str], body: bytes, login: dict[str, str], place: str) -> dict[str, str]:
    """Return the headers of a POST to ``/`` with their signature; ``place`` is region and service."""
    moment = headers["X-Amz-Date"]
    scope = f"{moment[:8]}/{place}/aws4_request"
    told = {**headers, "X-Amz-Security-Token": login["Token"]}
    ordered = sorted((name.lower(), value.strip()) for name, value in told.items())
    names = ";".join(name for name, _ in ordered)
    lines = "".join(f"{name}:{value}\n" for name, value in ordered)
    request = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, digest])
    key = f"AWS4{login['SecretAccessKey']}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{login['AccessKeyId']}/{scope}"
    told["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return told


def read_facts() -> str:
    """Say where and who the instance is."""
    asked = ("placement/region", "placement/availability-zone", "instance-id", "local-ipv4")
    return " ".join(read_metadata(f"meta-data/{name}") for name in asked)


def read_token(parameter: str) -> str:
    """Read the token from SSM Parameter Store."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"}
    body = json.dumps({"Name": parameter, "WithDecryption": True}).encode()
    return json.loads(json.loads(call("ssm", headers, body))["Parameter"]["Value"])["token"]


def report(result: str, group: str, hook: str) -> str:
    """Tell the group what became of the instance that it waits for."""
    given = {
        "Action": "CompleteLifecycleAction",
        "AutoScalingGroupName": group,
        "InstanceId": read_metadata("meta-data/instance-id"),
        "LifecycleActionResult": result,
        "LifecycleHookName": hook,
        "Version": "2011-01-01",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    call("autoscaling", headers, urllib.parse.urlencode(given).encode())
    return f"told {group}: {result}"


def main() -> None:
    """Do what is asked for, again and again until it can be done."""
    name, *arguments = sys.argv[1:]
    deadline = time.monotonic() + _PATIENCE_S
    while (answer := attempt(name, arguments)) is None:
        if time.monotonic() > deadline:
            sys.exit(1)
        time.sleep(_PAUSE_S)
    print(answer)


def attempt(name: str, arguments: list[str]) -> str | None:
    """Ask once; None where it could not be done, which roles and networks that are new take a while to allow."""
    action = {"facts": read_facts, "report": report, "token": read_token}[name]
    try:
        return action(*arguments)
    except RefusedError as error:
        print(f"aws {name}: {error}", file=sys.stderr)
    except (ValueError, KeyError, IndexError) as error:
        print(f"aws {name}: the answer is not as expected: {type(error).__name__}: {error}", file=sys.stderr)
    return None


if __name__ == "__main__":
    main()
