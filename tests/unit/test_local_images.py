import hashlib
import io
import json
import tarfile

from kpo_provision.local import images


def make(name: str = "registry.local/x:1") -> images.Image:
    layer = images.make_layer({"bin/tool": b"tool"}, links={"bin/alias": "tool"})
    return images.make_image(name, layer=layer, command=("/bin/tool",))


def test_same_programs_make_the_same_image():
    assert make() == make()


def test_every_blob_is_what_its_digest_says():
    image = make()
    manifest = json.loads(image.manifest)
    named = {blob["digest"]: blob["size"] for blob in (manifest["config"], *manifest["layers"])}
    assert named == {f"sha256:{hashlib.sha256(blob).hexdigest()}": len(blob) for blob in image.blobs.values()}


def test_layer_has_what_programs_expect():
    layer = images.make_layer({"bin/tool": b"tool"}, links={"bin/alias": "tool"})
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        modes = {entry.name: entry.mode for entry in tar}
        assert tar.getmember("bin/alias").linkname == "tool"
    assert modes["tmp"] == 0o1777
    assert modes["bin/tool"] == 0o755
    assert {"etc/passwd", "etc/group", "root"} < set(modes)


def test_archive_names_the_image_for_containerd(tmp_path):
    image = make("kpo.local/x:1")
    images.write_archive(image, tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as tar:
        index = json.load(tar.extractfile("index.json"))
        names = tar.getnames()
    (entry,) = index["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "kpo.local/x:1"
    assert f"blobs/sha256/{image.digest.removeprefix('sha256:')}" in names
