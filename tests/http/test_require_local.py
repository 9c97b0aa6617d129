"""A query that must stay here: a network that would notice sees nothing of it."""

import socket
import threading

import httpx

from service import wait_for

QUESTION = [{"role": "user", "content": "Name a colour of the sky."}]


class Listener:
    """A server that counts who connects, and what they say when it speaks Redis; everybody else is hung up on."""

    def __init__(self, redis=False):
        self.connections = 0
        self.commands = []
        self.redis = redis
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            if self.redis:
                threading.Thread(target=self.serve_redis, args=(peer,), daemon=True).start()
            else:
                peer.close()

    def serve_redis(self, peer):
        with peer, peer.makefile("rb") as lines:
            while (head := lines.readline()):
                words = []
                for _ in range(int(head[1:])):
                    size = int(lines.readline()[1:])
                    words.append(lines.read(size + 2)[:-2])
                name = words[0].decode().upper()
                self.commands.append(name)
                peer.sendall(b"$-1\r\n" if name == "GET" else b"+OK\r\n")

    def touched(self):
        """Commands that read or write entries."""
        return [name for name in self.commands if name in ("GET", "SET", "UNLINK", "DEL", "SCAN", "EXISTS")]

    def close(self):
        self.socket.close()


def config(backend, redis, folder):
    return f"""
[engine]
context_tokens = 2048
[cache]
redis_url = "redis://127.0.0.1:{redis.port}"
[quality]
mode = "annotate"
judge = true
[routing]
probe_interval = "0s"
local_from = 0
pool_from = 1
[canary]
name = "elsewhere"
model = "rack"
share = 0.5
state_file = "{folder}/canary.json"
[backends.rack]
url = "http://127.0.0.1:{backend.port}/v1"
model = "m"
tier = "pool"
"""


def test_nothing_leaves_the_process_for_a_query_that_must_stay(start, tmp_path):
    backend, redis = Listener(), Listener(redis=True)
    service = start(config(backend, redis, tmp_path))
    embedded = lambda: [b["status"] for b in httpx.get(service.url + "/readyz").json()["backends"] if b["tier"] == "edge"]
    wait_for(lambda: embedded() == ["ready"], "the embedded model")
    wait_for(lambda: redis.connections > 0, "the cache's connections")
    before = redis.connections
    with httpx.Client(base_url=service.url, timeout=120) as client:
        for number in range(8):
            # Answers that could be cached, reasoned about, judged, and the variant's.
            body = {"messages": QUESTION, "require_local": True, "temperature": 0, "max_tokens": 8, "seed": number}
            assert client.post("/v1/chat/completions", json=body).status_code == 200
            body = {"content": f"What is {number} and one?", "require_local": True, "temperature": 0, "max_tokens": 8,
                    "require_reasoning": number == 0, "max_depth": 1 if number == 0 else 0}
            assert client.post("/v1/query", json=body).status_code == 200
        # By name it is refused; of another tier the embedded model is the fallback.
        body = {"messages": QUESTION, "require_local": True, "max_tokens": 8}
        assert client.post("/v1/chat/completions", json=body | {"model": "rack"}).status_code == 400
        by_tier = client.post("/v1/chat/completions", json=body | {"tier": "pool"})
        assert by_tier.status_code == 200 and by_tier.json()["model"] != "rack"
        assert backend.connections == 0
        assert redis.touched() == []
        assert redis.connections == before
        # The same network is noticed by a query that may use it.
        client.post("/v1/query", json={"content": "And two?", "temperature": 0, "max_tokens": 8})
        wait_for(lambda: backend.connections > 0, "the backend to be asked")
        wait_for(lambda: "GET" in redis.touched(), "the shared cache to be asked")
    backend.close()
    redis.close()
