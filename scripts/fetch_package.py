#!/usr/bin/env python3
"""Puts one file or folder of a pinned Python package at a destination, using the package client (pip).

    fetch_package.py PACKAGE VERSION SHA256 MEMBER MEMBER_SHA256 DESTINATION

SHA256        hash of the package file (a wheel or a source distribution), 64 hex digits
MEMBER        path inside the package: of a wheel as it is, of a source distribution below its top folder
MEMBER_SHA256 hash of that file, or '-' when MEMBER is a folder

Prints DESTINATION on standard output when it is there and whole; progress and the one line that explains
a failure go to standard error. Exit status: 0 done or already there, 2 wrong usage, 3 download failed,
4 wrong hash, 5 cannot write (no space, no permission), 6 no working pip.

DESTINATION is replaced by a rename, so it is either absent, the old one, or complete. A lock file beside it
makes a second caller wait. A file already there is hashed again; a damaged one is fetched anew.
No code of the package runs: its build backend is replaced by the one below, and pip checks the hash first.
Uses the standard library only, so that it can be copied, installed or piped into `python3 -`.
"""
import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

# pip asks the build backend of a source distribution for its name and version even when it only downloads.
# This answers from what we asked for, in place of a backend from the network.
BACKEND = """
import os
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    name, version = os.environ["FETCH_NAME"], os.environ["FETCH_VERSION"]
    folder = "%s-%s.dist-info" % (name.replace("-", "_"), version)
    os.makedirs(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w") as out:
        out.write("Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version))
    return folder
"""
BACKEND_MODULE = "scikit_build_core/build"  # the backend that llama-cpp-python names


class Failure(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def python_with_pip():
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3", shutil.which("python3")]):
        if python and subprocess.run([python, "-m", "pip", "--version"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    raise Failure(6, "no python3 with pip found; install Debian's python3-pip")


def download(package, version, digest, folder):
    """Returns the path of the package file, whose hash is the given one."""
    python = python_with_pip()
    modules = os.path.join(folder, "backend")
    os.makedirs(os.path.join(modules, os.path.dirname(BACKEND_MODULE)))
    open(os.path.join(modules, os.path.dirname(BACKEND_MODULE), "__init__.py"), "w").close()
    with open(os.path.join(modules, BACKEND_MODULE + ".py"), "w") as out:
        out.write(BACKEND)
    pinned = os.path.join(folder, "pinned.txt")
    with open(pinned, "w") as out:
        out.write("%s==%s --hash=sha256:%s\n" % (package, version, digest))
    files = os.path.join(folder, "files")
    # TMPDIR: pip unpacks what it downloads; here a lack of space shows once, and is cleared away with the rest.
    environment = dict(os.environ, FETCH_NAME=package, FETCH_VERSION=version, TMPDIR=folder, PYTHONPATH=modules,
                       PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    environment.pop("PIP_REQUIRE_VIRTUALENV", None)
    run = subprocess.run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir",
                          "--no-build-isolation", "--require-hashes", "-d", files, "-r", pinned],
                         env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True)
    if run.returncode != 0:
        text = run.stdout
        if "No space left" in text or "Errno 28" in text or shutil.disk_usage(folder).free < 1 << 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if "DO NOT MATCH THE HASHES" in text.upper():
            got = re.findall(r"Got\s+([0-9a-f]{64})", text)
            raise Failure(4, "%s %s has SHA-256 %s, not the pinned %s; nothing was kept"
                          % (package, version, got[0] if got else "of another file", digest))
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no message"]
        raise Failure(3, "pip could not download %s %s (%s); check the network or pip's configuration, then "
                      "try again" % (package, version, errors[-1][:300]))
    names = os.listdir(files)
    if len(names) != 1:
        raise Failure(3, "pip left %d files for %s %s instead of one" % (len(names), package, version))
    path = os.path.join(files, names[0])
    got = sha256(path)
    if got != digest:
        raise Failure(4, "%s has SHA-256 %s, not the pinned %s; nothing was kept" % (names[0], got, digest))
    return path


def extract_file(archive, member, target):
    """One file of a wheel or of a source distribution."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        return
    with tarfile.open(archive) as tar:
        top = tar.next().name.split("/")[0]
        with tar.extractfile(top + "/" + member) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)


def extract_folder(archive, member, target):
    """One folder of a source distribution; only plain files and folders inside it are taken."""
    os.mkdir(target)
    with tarfile.open(archive) as tar:
        prefix = None
        for entry in tar:
            if prefix is None:
                prefix = entry.name.split("/")[0] + "/" + member.rstrip("/") + "/"
            if not entry.name.startswith(prefix) or not entry.isfile():
                continue
            path = os.path.normpath(os.path.join(target, entry.name[len(prefix):]))
            if not path.startswith(target + os.sep):
                raise Failure(4, "%s names a file outside its folder: %s" % (archive, entry.name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with tar.extractfile(entry) as source, open(path, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            os.chmod(path, 0o755 if entry.mode & 0o100 else 0o644)
            os.utime(path, (entry.mtime, entry.mtime))
    if not os.listdir(target):
        raise KeyError(member)


def present(destination, member_digest):
    if member_digest == "-":
        return os.path.isdir(destination)
    return os.path.isfile(destination) and sha256(destination) == member_digest


def fetch(package, version, digest, member, member_digest, destination):
    if present(destination, member_digest):
        return
    parent = os.path.dirname(destination)
    os.makedirs(parent, exist_ok=True)
    with open(os.path.join(parent, ".package.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another download into %s" % parent, file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # The lock is ours: what an interrupted download left is nobody's.
        for name in os.listdir(parent):
            if name.startswith(".package-"):
                shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
        if present(destination, member_digest):
            return
        with tempfile.TemporaryDirectory(prefix=".package-", dir=parent) as folder:
            print("fetching %s %s for %s" % (package, version, destination), file=sys.stderr)
            archive = download(package, version, digest, folder)
            target = os.path.join(folder, "member")
            try:
                (extract_folder if member_digest == "-" else extract_file)(archive, member, target)
            except KeyError:
                raise Failure(4, "%s %s has no '%s'" % (package, version, member))
            if member_digest != "-":
                got = sha256(target)
                if got != member_digest:
                    raise Failure(4, "'%s' of %s %s has SHA-256 %s, not the pinned %s; nothing was kept"
                                  % (member, package, version, got, member_digest))
            os.rename(target, destination)


def main(arguments):
    if len(arguments) != 6:
        print(__doc__, file=sys.stderr)
        return 2
    destination = os.path.abspath(arguments[5])
    try:
        fetch(*arguments[:5], destination)
    except Failure as failure:
        print("fetch: %s" % failure, file=sys.stderr)
        return failure.status
    except OSError as error:
        advice = {errno.ENOSPC: "free some space there (about 400 MB)", errno.EDQUOT: "free some of your quota",
                  errno.EACCES: "make it writable", errno.EPERM: "make it writable",
                  errno.EROFS: "it is on a read-only file system"}.get(error.errno, "see whether it is a usable folder")
        print("fetch: cannot write %s: %s; %s, or set XDG_CACHE_HOME to another folder"
              % (destination, error.strerror or error, advice), file=sys.stderr)
        return 5
    except KeyboardInterrupt:
        print("fetch: interrupted; nothing was kept", file=sys.stderr)
        return 130
    print(destination)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
