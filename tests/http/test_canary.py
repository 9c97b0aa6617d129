"""A variant on trial: rolled back by itself when worse, unseen by clients; after a restart; promoted."""

import hashlib
import http.server
import json
import os
import subprocess
import threading
import time

import httpx
import pytest

from service import Service, needed, wait_for

ADMIN_KEY = "sk-admin"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
SERVER = f'[server]\nadmin_key_hashes = ["sha256:{hashlib.sha256(ADMIN_KEY.encode()).hexdigest()}"]\n'


class Stub:
    """An OpenAI-compatible server that answers in one word after a while."""

    def __init__(self, word, delay_s):
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, body, kind="application/json"):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.reply(json.dumps({"object": "list", "data": [{"id": word, "object": "model"}]}).encode())

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                stub.asked += 1
                time.sleep(delay_s)  # this is how slow it is, not a wait for something
                chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": word}
                first = chunk | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": word}}]}
                last = chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
                                "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}
                events = [json.dumps(first), json.dumps(last), "[DONE]"]
                self.reply("".join(f"data: {e}\n\n" for e in events).encode(), "text/event-stream")

        self.asked = 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def status(service):
    answer = httpx.get(service.url + "/admin/canary", headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change(service, to, reason=""):
    return httpx.post(service.url + f"/admin/canary/{to}", headers=ADMIN, json={"reason": reason})


def query(service, number, client=httpx, **fields):
    return client.post(
        service.url + "/v1/query",
        json={"content": f"Question {number}", "max_tokens": 4, "cache": "off"} | fields, timeout=120
    )


def ask_until_decided(service, most):
    """Asks one question after another until the canary stops running; gives how many."""
    with httpx.Client() as client:
        for number in range(most):
            answer = query(service, number, client)
            assert answer.status_code == 200, answer.text
            if number % 10 == 9 and status(service)["phase"] != "running":
                return number + 1
    raise AssertionError(f"undecided after {most} queries: {status(service)}")


def wait_for_the_model(service):
    """With backends a server is ready before its own model is."""
    def is_ready():
        backends = httpx.get(service.url + "/readyz", timeout=30).json()["backends"]
        return [b["status"] for b in backends if b["tier"] == "edge"] == ["ready"]

    wait_for(is_ready, "the embedded model")


def sovereign(*arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOVEREIGN_")}
    return subprocess.run(
        [needed("SOVEREIGN_BIN"), *arguments], capture_output=True, text=True, timeout=60,
        env=environment | {"SOVEREIGN_ADMIN_KEY": ADMIN_KEY},
    )


def test_a_failing_variant_is_rolled_back_unseen_and_stays_so(start, tmp_path):
    """The real model is control; the variant's server is not there."""
    config = (
        SERVER + f'[canary]\nname = "dead"\nmodel = "nobody"\nshare = 0.5\nstate_file = "{tmp_path}/canary.json"\n'
        '[routing]\nprobe_interval = "0s"\n[backends.nobody]\nurl = "http://127.0.0.1:9/v1"\nmodel = "x"\n'
    )
    service = start(config)
    wait_for_the_model(service)
    ask_until_decided(service, 400)  # each of them is answered
    state = status(service)
    assert state["phase"] == "rolled_back"
    assert [e["event"] for e in state["story"]][0] == "started"
    assert state["story"][-1]["event"] == "rolled_back"
    assert "errors" in state["story"][-1]["why"]
    assert state["queries"]["variant"]["taken_over"] == state["queries"]["variant"]["failed"] > 0
    assert "canary dead rolled_back (by server" in service.log_text()
    metrics = service.metrics()
    assert metrics['sovereign_canary_phase{canary="dead",phase="rolled_back"}'] == 1
    assert metrics['sovereign_canary_evidence{metric="errors"}'] >= 1
    service.stop()

    again = start(config)
    wait_for_the_model(again)
    assert status(again)["phase"] == "rolled_back"
    before = status(again)["queries"]["variant"]
    for number in range(20):
        query(again, number)
    assert status(again)["queries"]["variant"] == before
    again.stop()

    other = start(config.replace("share = 0.5", "share = 0.2"))
    assert status(other)["phase"] == "running"


@pytest.fixture(scope="module")
def stubs():
    fast, slow = Stub("fast", 0.002), Stub("slow", 0.03)
    yield fast, slow
    fast.stop()
    slow.stop()


def config_of(stubs, extra=""):
    fast, slow = stubs
    return (
        SERVER + '[model]\nenabled = false\n[canary]\nname = "slower"\nmodel = "slow"\nshare = 0.5\n' + extra
        + f'[routing]\nprobe_interval = "0s"\n[backends.fast]\nurl = "{fast.url}"\npriority = 0\n'
        + f'[backends.slow]\nurl = "{slow.url}"\npriority = 9\n'
    )


def test_a_slow_variant_is_rolled_back(start, stubs):
    service = start(config_of(stubs))
    with httpx.Client() as client:
        words = {query(service, n, client).json()["answer"] for n in range(20)}
    assert words == {"fast", "slow"}
    asked = ask_until_decided(service, 2000)
    last = status(service)["story"][-1]
    assert last["event"] == "rolled_back"
    assert last["why"].startswith("worse by more than 10 %: latency") or "first_token" in last["why"]
    print(f"rolled back after {asked} queries")
    assert {query(service, n).json()["answer"] for n in range(20)} == {"fast"}


def test_a_variant_whose_clients_give_up_is_rolled_back(start):
    """Its queries never end by themselves before the clients leave: that counts, or it would look as good as control."""
    stubs = Stub("fast", 0.002), Stub("slow", 10)
    service = start(config_of(stubs))
    left = 0
    for number in range(1000):
        try:
            httpx.post(service.url + "/v1/query", timeout=0.25,
                       json={"content": f"Question {number}", "max_tokens": 4, "cache": "off"})
        except httpx.TimeoutException:
            left += 1
        if status(service)["phase"] != "running":
            break
    shown = status(service)
    assert shown["phase"] == "rolled_back" and shown["story"][-1]["by"] == "server", shown
    assert left > 0 and shown["queries"]["variant"]["left"] > 0 and shown["queries"]["variant"]["answered"] == 0
    for stub in stubs:
        stub.stop()


def test_by_client_each_keeps_its_arm_though_the_answer_is_known(start):
    keys = [f"sk-client-{n}" for n in range(12)]
    hashes = ", ".join(f'"sha256:{hashlib.sha256(key.encode()).hexdigest()}"' for key in keys)
    service = start(
        SERVER + f'api_key_hashes = [{hashes}]\n[engine]\ncontext_tokens = 512\nkv_cells = 1024\n'
        '[canary]\nname = "brief"\nsystem = "Be brief."\nshare = 0.5\nby = "client"\nalpha = 0.000001\n'
    )
    body = {"messages": [{"role": "user", "content": "Count."}], "temperature": 0, "max_tokens": 4}
    arms = []
    for _ in range(3):
        answers = [httpx.post(service.url + "/v1/chat/completions", json=body, timeout=60,
                              headers={"Authorization": f"Bearer {key}"}) for key in keys]
        assert {answer.status_code for answer in answers} == {200}
        arms.append([answer.headers.get("X-Sovereign-Canary") for answer in answers])
    assert set(arms[0]) == {None, "brief"}
    assert arms[1] == arms[0] and arms[2] == arms[0]


@pytest.fixture
def even_stubs():
    """As quick as each other, so that neither is rolled back."""
    stubs = Stub("fast", 0.002), Stub("slow", 0.002)
    yield stubs
    for stub in stubs:
        stub.stop()


def test_answers_name_the_variant_and_assignment_is_stable(start, even_stubs):
    service = start(config_of(even_stubs, extra="alpha = 0.000001\n"))
    assigned = {}
    for n in range(20):
        answer = query(service, n)
        named = answer.json().get("canary")
        assert answer.headers.get("x-sovereign-canary") == named
        assert (named == "slower") == (answer.json()["answer"] == "slow")
        assigned[n] = named
    assert set(assigned.values()) == {None, "slower"}
    for n in range(20):
        assert query(service, n).json().get("canary") == assigned[n]
        streamed = query(service, n, stream=True)
        assert streamed.headers.get("x-sovereign-canary") == assigned[n]
    client = service.client()
    chats = [
        client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": f"Chat {n}"}], temperature=0
        )
        for n in range(20)
    ]
    assert {c.headers.get("x-sovereign-canary") for c in chats} == {None, "slower"}
    # Who names a model gets that one.
    named = [query(service, n, model="fast") for n in range(20)]
    assert {a.json()["answer"] for a in named} == {"fast"}


def test_promoted_over_the_command_line_and_after_a_restart(start, stubs, tmp_path):
    config = config_of(stubs, f'state_file = "{tmp_path}/canary.json"\n')
    service = start(config)
    assert httpx.get(service.url + "/admin/canary").status_code == 401
    shown = sovereign("canary", "status", "--url", service.url)
    assert shown.returncode == 0 and "canary slower: running" in shown.stdout, shown.stderr
    promoted = sovereign("canary", "promote", "--url", service.url, "--reason", "slow is smooth")
    assert promoted.returncode == 0 and "promoted (by admin): slow is smooth" in promoted.stdout, promoted.stderr
    assert sovereign("canary", "promote", "--url", service.url).returncode == 1
    assert {query(service, n).json()["answer"] for n in range(20)} == {"slow"}
    service.process.kill()
    service.process.wait()

    again = start(config)
    assert status(again)["phase"] == "promoted"
    assert query(again, 1).json()["answer"] == "slow"
    assert json.loads(sovereign("canary", "rollback", "--json", "--url", again.url).stdout)["phase"] == "rolled_back"
    assert {query(again, n).json()["answer"] for n in range(20)} == {"fast"}
    assert change(again, "restart", "another try").json()["phase"] == "running"
    assert change(again, "restart", "x" * 2000).status_code == 400


def test_without_a_canary_there_is_none(start, stubs):
    service = start(config_of(stubs).replace('name = "slower"', 'name = ""'))
    assert httpx.get(service.url + "/admin/canary", headers=ADMIN).status_code == 404
    assert {query(service, n).json()["answer"] for n in range(20)} == {"fast"}


def test_a_variant_may_have_an_engine_of_its_own(start):
    """Speculation on trial: a second engine over the same weights, in the place of the first model's."""
    service = start(
        SERVER + '[engine]\ncontext_tokens = 512\nkv_cells = 1024\n[cache]\nenabled = false\n[model]\nname = "plain"\n'
        '[canary]\nname = "guessing"\nset = ["engine.speculation=prompt_lookup", "engine.max_draft_tokens=6"]\nshare = 0.5\n'
    )
    text = "The quick brown fox jumps over the lazy dog. " * 3
    file_name = os.path.basename(needed("SOVEREIGN_TEST_MODEL")).removesuffix(".gguf")
    by_arm = {}
    for number in range(12):
        model = {"model": ["plain", "auto", file_name][number % 3]}  # it is one, by whatever name
        answer = query(service, number, content=f"Repeat: {text} {number}", max_tokens=40, temperature=0, **model)
        assert answer.status_code == 200, answer.text
        by_arm.setdefault(answer.headers.get("X-Sovereign-Canary", "control"), set()).add(answer.json()["model_used"])
    assert by_arm == {"control": {"plain"}, "guessing": {"plain"}}
    metrics = service.metrics()
    assert metrics["sovereign_engine_draft_tokens_total"] > 0
    assert metrics['sovereign_model_in_memory{model="plain@guessing"}'] == 1
    shown = status(service)
    assert shown["phase"] == "running" and shown["queries"]["variant"]["answered"] > 0, shown
    # It answers for nobody else.
    assert [m["id"] for m in httpx.get(service.url + "/v1/models").json()["data"]] == ["plain"]
    named = query(service, 0, model="plain@guessing")
    assert named.status_code == 404 and named.json()["error"]["code"] == "model_not_found"
    # Another engine for control is another one for the variant, too, and another comparison.
    config = os.path.join(service.folder.name, "sovereign.toml")
    text = open(config).read()
    with open(config, "w") as file:
        file.write(text.replace("context_tokens = 512", "context_tokens = 256"))
    answer = httpx.post(service.url + "/admin/reload", headers=ADMIN, timeout=120)
    assert answer.json()["applied"] == ["engine.context_tokens"], answer.text
    assert status(service)["story"][-1]["event"] == "started"
    for number in range(12):
        assert query(service, number, content="word " * 300).status_code == 400
    assert {query(service, n).status_code for n in range(12)} == {200}
    with open(config, "w") as file:
        file.write(text.replace("kv_cells = 1024", "kv_cells = 1024\nspeculation = \"loud\""))
    assert httpx.post(service.url + "/admin/reload", headers=ADMIN, timeout=120).status_code == 400
    service.stop()


def test_an_engine_that_cannot_be_made_is_a_variant_that_fails(start):
    service = start(
        SERVER + '[engine]\ncontext_tokens = 512\nkv_cells = 1024\n[cache]\nenabled = false\n[canary]\nname = "guessing"\n'
        'set = ["engine.speculation=draft", "engine.draft_model=/nowhere.gguf"]\nshare = 0.5\n'
    )
    assert "the variant has no engine" in service.log_text()
    assert {query(service, n).status_code for n in range(12)} == {200}
    shown = status(service)["queries"]["variant"]
    assert shown["failed"] > 0 and shown["answered"] == 0, shown


def test_a_variant_may_be_routed_otherwise(start, even_stubs):
    service = start(
        config_of(even_stubs).replace('model = "slow"', 'set = ["routing.local_from=0"]').replace(
            'priority = 0', 'tier = "edge"').replace("priority = 9", 'tier = "local"')
    )
    answers = [query(service, n) for n in range(20)]
    seen = {(a.headers.get("x-sovereign-canary"), a.json()["answer"]) for a in answers}
    assert seen == {(None, "fast"), ("slower", "slow")}
    assert query(service, 0, tier="edge").headers.get("x-sovereign-canary") is None
