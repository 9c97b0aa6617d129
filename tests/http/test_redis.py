"""The shared cache behind the program: two nodes with a real redis-server, and servers that are slow."""

import concurrent.futures
import hashlib
import os
import socket
import subprocess
import threading

import httpx
import pytest

from service import Service, wait_for

ADMIN_KEY = "sk-admin-for-tests"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
# One worker: whoever held it would hold everybody.
CONFIG = f"""
[engine]
context_tokens = 512
kv_cells = 4096
[server]
worker_threads = 1
admin_key_hashes = ["sha256:{hashlib.sha256(ADMIN_KEY.encode()).hexdigest()}"]
[cache]
redis_url = "redis://127.0.0.1:%d"
redis_timeout = "%s"
"""
# Debian ships the server inside the checker's file, which looks at the name it is called by.
REDIS_PROGRAM = "/usr/bin/redis-check-rdb"


def ask(service, content, **more):
    body = {"content": content, "max_tokens": 4} | more
    response = httpx.post(service.url + "/v1/query", json=body, timeout=120)
    assert response.status_code == 200, response.text
    return response.json()


def level(service):
    return httpx.get(service.url + "/admin/cache", headers=AS_ADMIN, timeout=60).json()["levels"][0]


@pytest.fixture
def redis(tmp_path):
    if not os.path.exists(REDIS_PROGRAM):
        pytest.skip("there is no redis-server (Debian: redis-tools)")
    program = tmp_path / "redis-server"
    program.symlink_to(REDIS_PROGRAM)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                               cwd=tmp_path, stdout=subprocess.DEVNULL)

    def answers():
        assert process.poll() is None, "redis-server does not start"
        try:
            return socket.create_connection(("127.0.0.1", port), 1)
        except OSError:
            return None

    try:
        wait_for(answers, "redis-server").close()
        yield port
    finally:
        process.kill()
        process.wait()


class DrippingRedis:
    """Takes commands, and answers each GET with a byte now and then, for ever."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.gets = 0
        self.ended = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while command := connection.recv(65536):
                if b"\r\nGET\r\n" not in command:
                    # One answer for each command of a pipeline; no text of the tests has the mark.
                    connection.sendall(b"+OK\r\n" * max(1, command.count(b"\r\nSET\r\n")))
                    continue
                self.gets += 1
                connection.sendall(b"$100000000\r\n")
                while not self.ended.wait(0.03):
                    connection.sendall(b"x")
        except OSError:
            pass  # the program hung up
        finally:
            connection.close()

    def close(self):
        self.ended.set()
        self.listener.close()


@pytest.fixture
def dripping():
    server = DrippingRedis()
    yield server
    server.close()


def test_two_nodes_share_answers(redis):
    one, other = Service(CONFIG % (redis, "5s")), Service(CONFIG % (redis, "5s"))
    try:
        made = ask(one, "Which river is the longest?")
        assert made["cache"]["status"] == "miss"
        wait_for(lambda: level(one)["writes"] == 1, "the answer in Redis")
        found = ask(other, "Which river is the longest?")
        assert found["cache"]["status"] == "hit" and found["cache"]["level"] == "redis"
        assert found["answer"] == made["answer"]
        assert ask(other, "Which river is the longest?")["cache"]["level"] == "memory"
        assert httpx.delete(other.url + "/admin/cache", headers=AS_ADMIN, timeout=60).status_code == 204
        assert ask(other, "Which river is the longest?")["cache"]["status"] == "miss"
    finally:
        one.stop()
        other.stop()


def test_who_waits_for_a_slow_redis_holds_nobody_else(dripping):
    service = Service(CONFIG % (dripping.port, "10s"))
    try:
        wait_for(lambda: level(service)["healthy"], "the connection")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(ask, service, "Who waits?")
            wait_for(lambda: dripping.gets == 1, "the first query at the slow server")
            assert ask(service, "Who does not?", cache="off")["answer"]
            assert not waits.done(), "it was answered while the other waited"
            assert waits.result()["cache"]["status"] == "miss"
    finally:
        service.stop()


def test_a_slow_redis_is_passed_over(dripping):
    service = Service(CONFIG % (dripping.port, "50ms"))
    try:
        wait_for(lambda: level(service)["healthy"], "the connection")
        for number in range(10):
            assert ask(service, f"What is {number}?")["cache"]["status"] == "miss"
        assert level(service)["errors"] >= 1
        assert ask(service, "What is 3?")["cache"]["status"] == "hit", "memory goes on"
        assert dripping.gets < 10
    finally:
        service.stop()
