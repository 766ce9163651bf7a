"""What Google says when it refuses: the body of the error, with the code, status and reason that clients look at."""

_STATUS = {
    400: ("INVALID_ARGUMENT", "badRequest"),
    401: ("UNAUTHENTICATED", "authError"),
    403: ("PERMISSION_DENIED", "forbidden"),
    404: ("NOT_FOUND", "notFound"),
    409: ("ALREADY_EXISTS", "alreadyExists"),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    500: ("INTERNAL", "backendError"),
    501: ("UNIMPLEMENTED", "notImplemented"),
    503: ("UNAVAILABLE", "backendError"),
}


class RefusedError(Exception):
    """A request that Google would refuse."""

    def __init__(self, code, message, *, status=None, reason=None, details=()):
        super().__init__(message)
        self.code = code
        usual_status, usual_reason = _STATUS.get(code, ("UNKNOWN", "unknown"))
        self.body = {
            "error": {
                "code": code,
                "message": message,
                "status": status or usual_status,
                "errors": [{"message": message, "domain": "global", "reason": reason or usual_reason}],
                **({"details": list(details)} if details else {}),
            }
        }


def not_found(path):
    return RefusedError(404, f"Not found: {path}.")


def already_exists(path):
    return RefusedError(409, f"Already exists: {path}.")


def busy(operation):
    return RefusedError(
        400,
        f"Cluster is running incompatible operation {operation}.",
        status="FAILED_PRECONDITION",
        reason="failedPrecondition",
    )


def unauthenticated():
    return RefusedError(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
    )


def unknown_project(project):
    return RefusedError(
        403, f"Permission denied on resource project {project}.", details=[_info("CONSUMER_INVALID", project)]
    )


def api_disabled(project):
    return RefusedError(
        403,
        f"Kubernetes Engine API has not been used in project {project} before or it is disabled. Enable it by "
        "visiting https://console.developers.google.com/apis/api/container.googleapis.com/overview"
        f"?project={project} then retry.",
        details=[_info("SERVICE_DISABLED", project)],
    )


def out_of_quota(*, asked, limit, used, project):
    short = asked - (limit - used)
    return RefusedError(
        403,
        f"Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '{asked:.1f}' and is "
        f"short '{short:.1f}'. project has a quota of '{limit:.1f}' with '{limit - used:.1f}' available. View "
        f"and manage quotas at https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={project}.",
    )


def no_such_url(path):
    return RefusedError(404, f"The requested URL {path} was not found on this server.")


def unknown_request(method, path):
    return RefusedError(501, f"The simulator does not know {method} {path}.")


def require_known(body, fields):
    """Return ``body``, if all that it says is in Google's published message."""
    strange = sorted(set(body) - set(fields))
    if strange:
        raise RefusedError(400, f'Invalid JSON payload received. Unknown name "{strange[0]}": Cannot find field.')
    return body


def _info(reason, project):
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"consumer": f"projects/{project}", "service": "container.googleapis.com"},
    }
