"""The data source aws_caller_identity."""

from tests.terraform.provider.aws import translated


class Caller:
    def __init__(self, _block, api):
        self._api = api

    def read(self, _config):
        with translated("reading STS Caller Identity"):
            found = self._api.client("sts").get_caller_identity()
        account = found["Account"]
        return {"account_id": account, "arn": found["Arn"], "id": account, "user_id": found["UserId"]}
