#!/usr/bin/env python3
"""Pins Python packages anew: FOLDER/requirements.in -> FOLDER/requirements.txt.

  pin_python.py [FOLDER]     tests/http when none is named; the others: bench/litellm, packaging/cuda

Resolves in an empty virtual environment, then writes down every package with the hashes of its wheels for
CPython 3.11 to 3.13 on x86-64 and aarch64. Needs the network; nothing else calls it.
"""
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "tests/http")
PYTHONS = ["3.11", "3.12", "3.13"]
MACHINES = ["x86_64", "aarch64"]
HEADER = """# All Python packages of this folder, pinned: wheels for CPython 3.11 to 3.13 on x86-64 and aarch64.
# Written by scripts/pin_python.py from requirements.in; don't edit.
"""


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def main():
    with tempfile.TemporaryDirectory() as folder:
        pip = [folder + "/venv/bin/python", "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([sys.executable, "-m", "venv", folder + "/venv"], check=True)
        subprocess.run(pip + ["install", "-r", str(FOLDER / "requirements.in")], check=True)
        frozen = subprocess.run(pip + ["freeze"], check=True, capture_output=True, text=True).stdout
        Path(folder, "frozen.txt").write_text(frozen)
        for python in PYTHONS:
            for machine in MACHINES:
                platforms = ["any"] + [tag + machine for tag in
                                       ("manylinux_2_28_", "manylinux_2_27_", "manylinux_2_17_", "manylinux2014_")]
                subprocess.run(pip + ["download", "--no-deps", "--only-binary", ":all:", "-d", folder + "/wheels",
                                      "--python-version", python, "-r", folder + "/frozen.txt"]
                               + [word for tag in platforms for word in ("--platform", tag)], check=True)
        hashes = {}
        for wheel in sorted(Path(folder, "wheels").iterdir()):
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            hashes.setdefault(normalized(wheel.name.split("-")[0]), set()).add(digest)
        lines = []
        for line in frozen.split():
            name, version = line.split("==")
            digests = ["    --hash=sha256:" + digest for digest in sorted(hashes[normalized(name)])]
            lines.append(" \\\n".join(["%s==%s" % (normalized(name), version)] + digests))
        (FOLDER / "requirements.txt").write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
