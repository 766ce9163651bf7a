"""The images that the played AWS has; those that moto registers have no architecture."""

ACCOUNT = "123456789012"


def _image(number, name, *, created, architecture="x86_64", owner=ACCOUNT):
    return {
        "ami_id": f"ami-{number:017x}",
        "architecture": architecture,
        "creation_date": f"2026-11-{created:02d}T00:00:00.000Z",
        "description": name,
        "name": name,
        "owner_id": owner,
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "virtualization_type": "hvm",
    }


OLD = _image(1, "acme-kubernetes-1.37-1", created=1)
NEW = _image(2, "acme-kubernetes-1.37-2", created=20)
ARM = _image(3, "acme-kubernetes-1.37-3", created=21, architecture="arm64")
FOREIGN = _image(4, "acme-kubernetes-1.37-4", created=22, owner="111122223333")
IMAGES = [OLD, NEW, ARM, FOREIGN]
