"""Starts and stops the program for the tests. Nothing here sleeps for a fixed time: it polls, with a bound."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import openai

START_LIMIT_S = 120
STOP_LIMIT_S = 120
POLL_S = 0.05


def needed(variable):
    value = os.environ.get(variable)
    assert value, f"{variable} is not set (make test sets it)"
    return value


def wait_for(condition, what, limit_s=60):
    """The first true value of condition(), or a failure that says what was waited for."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(POLL_S)
    raise AssertionError(f"waited {limit_s} s in vain: {what}")


class Service:
    """`sovereign serve` on a free port with its own configuration file."""

    def __init__(self, config=""):
        self.folder = tempfile.TemporaryDirectory(prefix="sovereign-http-")
        folder = Path(self.folder.name)
        self.port_file = folder / "port"
        self.log_path = folder / "log"
        (folder / "sovereign.toml").write_text(config)
        self.log = self.log_path.open("wb")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SOVEREIGN_")}
        # No key or log of whoever runs the tests.
        environment |= {"XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self.process = subprocess.Popen(
            [
                needed("SOVEREIGN_BIN"), "serve",
                "--config", str(folder / "sovereign.toml"),
                "--model.path", needed("SOVEREIGN_TEST_MODEL"),
                "--server.port", "0",
                "--port-file", str(self.port_file),
            ],
            stdout=self.log, stderr=subprocess.STDOUT, env=environment, cwd=folder,
        )
        try:
            self.port = int(wait_for(self._port, "the port file", START_LIMIT_S))
            self.url = f"http://127.0.0.1:{self.port}"
            wait_for(lambda: self.ready_status() == 200, "readiness", START_LIMIT_S)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _port(self):
        assert self.process.poll() is None, f"the server ended early:\n{self.log_text()}"
        return self.port_file.read_text().strip() if self.port_file.exists() else None

    def ready_status(self):
        assert self.process.poll() is None, f"the server ended early:\n{self.log_text()}"
        return httpx.get(self.url + "/readyz", timeout=30).status_code

    def log_text(self):
        self.log.flush()
        return self.log_path.read_text(errors="replace")[-20000:]

    def client(self, **options):
        """The official client; it does not repeat failed requests, so that tests see them."""
        options = {"api_key": "none", "max_retries": 0, "timeout": 300} | options
        return openai.OpenAI(base_url=self.url + "/v1", **options)

    def metrics(self):
        """Samples by name with labels, as the page spells them."""
        page = httpx.get(self.url + "/metrics", timeout=30)
        assert page.status_code == 200
        samples = re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", page.text, re.MULTILINE)
        return {name: float(value) for name, value in samples}

    def wait_until_idle(self):
        names = ("sovereign_engine_sequences_running", "sovereign_engine_requests_queued")
        wait_for(lambda: all(self.metrics()[name] == 0 for name in names), "an idle engine")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self):
        return self.process.wait(STOP_LIMIT_S)

    def stop(self):
        """SIGTERM must end it with exit code 0."""
        self.terminate()
        try:
            code = self.exit_code()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"SIGTERM did not end the server:\n{self.log_text()}") from None
        assert code == 0, f"exit code {code}:\n{self.log_text()}"
        self.log.close()
        self.folder.cleanup()
