"""EC2 on a site: AWS as it is played, and whoever boots the instances that its groups ask for, on hosts of the site."""

import base64
import gzip
import json
import sys
import threading
import time

from tests.fakes.aws.server import REGION
from tests.fakes.aws.stage import play_aws

HOST, PORT = "10.89.0.1", 5800
_ASK = """\
import boto3, json, sys
service, operation, given = json.loads(sys.stdin.read())
print(json.dumps(getattr(boto3.client(service, region_name=%r), operation)(**given), default=str))
"""
_CONTROL = """\
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], data=sys.stdin.read().encode()).read().decode())
"""


class Amazon:
    """The account of a site. As a context it is played, and instances are booted as soon as a group has them."""

    def __init__(self, site):
        self._site = site
        self._booted = {}
        self._ended = threading.Event()
        self._threads = []
        self.problems = []

    def __enter__(self):
        self._playing = play_aws(HOST, PORT, enter=self._site.enter())
        self.stage = self._playing.__enter__()
        return self

    def __exit__(self, *given):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._playing.__exit__(*given)

    @property
    def hosts(self):
        """The hosts that instances are."""
        return list(self._booted.values())

    @property
    def reports(self):
        """What groups were told of instances."""
        return self._control("reports", {})["reports"]

    def ask(self, service, operation, **given):
        """Ask it from the site, which alone can reach it."""
        done = self._site.run(
            sys.executable,
            "-c",
            _ASK % REGION,
            environ=self.stage.environ,
            text=json.dumps([service, operation, given]),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def boot_instances(self, group):
        """Boot what a group has, now and as it grows, until the block ends."""
        thread = threading.Thread(target=self._boot_all, args=(group,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def boot(self, instance_id, user_data, name):
        """Boot one: a fresh host, on which its user data runs as cloud-init would run it."""
        host = self._site.add_host(name)
        self._control("instances", {host.address: {"id": instance_id}})
        host.write("/var/lib/cloud/instance/user-data", gzip.decompress(base64.b64decode(user_data)).decode())
        environ = {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.stage.url,
            "AWS_ENDPOINT_URL": self.stage.url,
            "KPO_PROVISION_PATIENCE_S": "60",
        }
        told = " ".join(f"{key}={value}" for key, value in environ.items())
        return host, host.run(f"env {told} bash /var/lib/cloud/instance/user-data", check=False)

    def _boot_all(self, group):
        while not self._ended.wait(0.5):
            found = self.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group])
            for each in found["AutoScalingGroups"]:
                for instance in each["Instances"]:
                    if instance["InstanceId"] not in self._booted:
                        self._booted[instance["InstanceId"]] = self._boot_of_group(group, instance["InstanceId"])

    def _boot_of_group(self, group, instance_id):
        (version,) = self.ask(
            "ec2", "describe_launch_template_versions", LaunchTemplateName=group, Versions=["$Latest"]
        )["LaunchTemplateVersions"]
        user_data = version["LaunchTemplateData"]["UserData"]
        host, done = self.boot(instance_id, user_data, f"instance-{len(self._booted)}")
        if done.returncode:
            self.problems.append(done.stdout + done.stderr)
        return host

    def _control(self, name, given):
        url = f"{self.stage.url}/played/{name}"
        done = self._site.run(sys.executable, "-c", _CONTROL, url, text=json.dumps(given))
        return json.loads(done.stdout)


def wait_for(condition, *, within_s):
    """Wait until something holds; whatever takes longer is an error."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.5)
