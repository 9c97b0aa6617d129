"""The response cache as clients see it: hits, one inference for many, streams, headers, administration."""

import concurrent.futures
import hashlib
import json
import os
import subprocess

import httpx
import pytest

from service import needed, wait_for

QUESTION = {"messages": [{"role": "user", "content": "Name three rivers."}], "temperature": 0, "max_tokens": 12}
SERVICE_CONFIG = "[engine]\ncontext_tokens = 4096\n"
ADMIN_KEY = "sk-admin-for-tests"
ADMIN_CONFIG = f"""
[engine]
context_tokens = 1024
kv_cells = 8192
[server]
admin_key_hashes = ["sha256:{hashlib.sha256(ADMIN_KEY.encode()).hexdigest()}"]
"""
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


def ask(service, body=None, headers=None, path="/v1/chat/completions"):
    response = httpx.post(service.url + path, json=QUESTION | (body or {}), headers=headers, timeout=120)
    assert response.status_code == 200, response.text
    return response


def status(response):
    return response.headers["X-Sovereign-Cache"]


def question(text):
    return {"messages": [{"role": "user", "content": text}]}


def generations(service):
    return service.metrics()['sovereign_engine_requests_total{outcome="finished"}']


def test_the_second_answer_is_found(service, client, model):
    body = question("Which river is the longest?")
    first, second, third = ask(service, body), ask(service, body), ask(service, body)
    assert [status(r) for r in (first, second, third)] == ["miss", "hit", "hit"]
    one, two = first.json(), second.json()
    assert one["choices"] == two["choices"] == third.json()["choices"]
    assert one["usage"]["completion_tokens"] == two["usage"]["completion_tokens"]
    assert one["id"] != two["id"]
    assert int(second.headers["Age"]) >= 0 and "Age" not in first.headers
    assert len(second.headers["X-Sovereign-Cache-Key"]) == 32
    # Another body that means the same is found too.
    spelled = ask(service, body | {"user": "somebody", "top_p": 0.4, "model": model})
    assert status(spelled) == "hit" and spelled.json()["choices"] == one["choices"]
    parsed = client.chat.completions.create(model=model, temperature=0, max_tokens=12, **body)
    assert parsed.choices[0].message.content == one["choices"][0]["message"]["content"]


def test_a_found_answer_streams(service, client, model):
    messages = question("Which lake is the deepest?")["messages"]

    def streamed():
        chunks = list(client.chat.completions.create(
            model=model, messages=messages, temperature=0, max_tokens=12, stream=True,
            stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        return text, chunks[-1].usage.completion_tokens, [c.choices[0].finish_reason for c in chunks if c.choices][-1]

    before = generations(service)
    made, found = streamed(), streamed()
    assert made == found and made[0]
    whole = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=12)
    assert whole.choices[0].message.content == made[0]
    assert generations(service) == before + 1


def test_random_answers_are_not_kept_unless_forced(service):
    body = question("Tell me anything.") | {"temperature": 1.0}
    assert [status(ask(service, body)) for _ in range(2)] == ["bypass", "bypass"]
    seeded = body | {"seed": 3}
    assert [status(ask(service, seeded)) for _ in range(2)] == ["miss", "hit"]
    forced = body | {"cache": "force"}
    first, second = ask(service, forced), ask(service, forced)
    assert (status(first), status(second)) == ("miss", "hit")
    assert first.json()["choices"] == second.json()["choices"]


def test_requests_say_how_the_cache_is_used(service):
    body = question("Which sea is the saltiest?")
    assert status(ask(service, body, {"Cache-Control": "no-store"})) == "miss"
    assert status(ask(service, body)) == "miss", "no-store must not keep it"
    assert status(ask(service, body)) == "hit"
    assert status(ask(service, body, {"Cache-Control": "no-cache"})) == "miss"
    assert status(ask(service, body, {"Cache-Control": "max-age=3600"})) == "hit"
    lines = [("Cache-Control", "max-age=3600"), ("Cache-Control", "no-cache")]
    assert status(ask(service, body, lines)) == "miss", "both lines count"
    assert status(ask(service, body | {"cache": "off"})) == "bypass"
    assert status(ask(service, body | {"cache": "refresh"})) == "miss"
    wrong = httpx.post(service.url + "/v1/chat/completions", json=QUESTION | {"cache": "maybe"}, timeout=30)
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "cache"


def test_answers_end(service):
    body = question("Which desert is the driest?") | {"cache_ttl": 1}
    assert status(ask(service, body)) == "miss"
    wait_for(lambda: status(ask(service, body)) == "miss", "the answer's end", 20)


def test_identical_queries_at_once_are_one_inference(service):
    body = question("Which mountain is the highest?") | {"max_tokens": 40, "ignore_eos": True}
    service.wait_until_idle()
    before = generations(service)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = [f.result() for f in [pool.submit(ask, service, body) for _ in range(64)]]
    assert len({a.json()["choices"][0]["message"]["content"] for a in answers}) == 1
    assert generations(service) == before + 1
    assert [status(a) for a in answers].count("miss") == 1


def test_the_first_client_leaves_and_the_others_are_answered(service):
    body = QUESTION | question("Which island is the largest?") | {"max_tokens": 300, "ignore_eos": True, "stream": True}
    service.wait_until_idle()
    cancelled = service.metrics()['sovereign_engine_requests_total{outcome="cancelled"}']
    with httpx.stream("POST", service.url + "/v1/chat/completions", json=body, timeout=120) as leader:
        assert status(leader) == "miss"
        with httpx.stream("POST", service.url + "/v1/chat/completions", json=body, timeout=120) as follower:
            assert status(follower) == "shared"
            leader.close()
            events = [line[6:] for line in follower.iter_lines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    assert json.loads(events[-2])["choices"][0]["finish_reason"] == "length"
    assert service.metrics()['sovereign_engine_requests_total{outcome="cancelled"}'] == cancelled
    # When nobody waits any more the work ends.
    with httpx.stream("POST", service.url + "/v1/chat/completions", json=body | {"max_tokens": 800}, timeout=120):
        pass
    service.wait_until_idle()
    assert service.metrics()['sovereign_engine_requests_total{outcome="cancelled"}'] == cancelled + 1


def test_administration(start):
    service = start(ADMIN_CONFIG)
    ask(service)
    key = ask(service).headers["X-Sovereign-Cache-Key"]
    url = service.url + "/admin/cache"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
    stats = httpx.get(url, headers=AS_ADMIN).json()
    assert stats["memory"]["entries"] == 1 and stats["memory"]["hits"] >= 1 and stats["levels"] == []
    entry = httpx.get(f"{url}/{key}", headers=AS_ADMIN).json()
    assert entry["answers"][0] == ask(service).json()["choices"][0]["message"]["content"]
    assert httpx.get(f"{url}/{'0' * 32}", headers=AS_ADMIN).status_code == 404
    assert httpx.get(f"{url}/nonsense", headers=AS_ADMIN).status_code == 404
    assert httpx.delete(f"{url}/{key}", headers=AS_ADMIN).status_code == 204
    assert status(ask(service)) == "miss"
    assert httpx.delete(url, headers=AS_ADMIN).status_code == 204
    assert status(ask(service)) == "miss"


def test_the_command_line_administers(start):
    service = start(ADMIN_CONFIG)
    first = ask(service)

    def sovereign(*words, key=ADMIN_KEY):
        return subprocess.run(
            [needed("SOVEREIGN_BIN"), "cache", *words, "--url", service.url],
            env=os.environ | {"SOVEREIGN_ADMIN_KEY": key}, capture_output=True, text=True, timeout=60)

    assert json.loads(sovereign("stats").stdout)["memory"]["entries"] == 1
    entry = json.loads(sovereign("get", first.headers["X-Sovereign-Cache-Key"]).stdout)
    assert entry["answers"] == [first.json()["choices"][0]["message"]["content"]]
    refused = sovereign("clear", key="wrong")
    assert refused.returncode != 0 and "SOVEREIGN_ADMIN_KEY" in refused.stderr
    assert status(ask(service)) == "hit"
    assert sovereign("clear").returncode == 0
    assert status(ask(service)) == "miss"
    metrics = service.metrics()
    assert metrics['sovereign_cache_hits_total{level="memory"}'] >= 1
    assert metrics['sovereign_cache_entries{level="memory"}'] == 1


def test_administration_is_closed_without_keys(service):
    assert httpx.get(service.url + "/admin/cache", headers=AS_ADMIN).status_code == 403


def test_answers_survive_kill_9(start, tmp_path):
    config = ADMIN_CONFIG + f'[cache]\ndisk_path = "{tmp_path}/answers.db"\n'

    def disk(service):
        return httpx.get(service.url + "/admin/cache", headers=AS_ADMIN).json()["levels"][0]

    service = start(config)
    answer = ask(service).json()["choices"]
    wait_for(lambda: disk(service)["writes"] >= 1 and disk(service)["pending"] == 0, "the disk")
    service.process.kill()
    service.process.wait()
    again = start(config)
    wait_for(lambda: disk(again)["healthy"], "the disk level")
    found = ask(again)
    assert status(found) == "hit" and found.json()["choices"] == answer
    # One server uses the file at a time; another one is slower, not broken.
    second = start(config)
    assert status(ask(second)) == "miss"
    # The same name and another model, here another context, is another answer.
    again.stop()
    other = start(config.replace("context_tokens = 1024", "context_tokens = 512"))
    wait_for(lambda: disk(other)["healthy"], "the disk level")
    assert status(ask(other)) == "miss"


def test_off_means_off(start):
    service = start("[cache]\nenabled = false\n" + ADMIN_CONFIG)
    assert [status(ask(service)) for _ in range(2)] == ["bypass", "bypass"]
    assert httpx.get(service.url + "/admin/cache", headers=AS_ADMIN).status_code == 404


@pytest.fixture
def query(service):
    def send(body):
        return httpx.post(service.url + "/v1/query", json=body, timeout=120)

    return send


def test_a_query_has_an_answer_with_its_story(service, query):
    body = {"content": "Who lives there?", "context": [{"title": "Atlas", "text": "Ann lives there."}, "No more."],
            "max_tokens": 12, "id": "q1"}
    first = query(body)
    assert first.status_code == 200, first.text
    result = first.json()
    assert result["id"] == "q1" and result["answer"] and result["model_used"]
    assert result["model_digest"].startswith("sha256:")
    assert result["cached"] is False and result["cache"]["status"] == "miss"
    assert [s["stage"] for s in result["timings"]["stages"]] == [
        "tier", "admission", "cache", "reasoning", "inference", "quality", "cache_fill"]
    again = query(body | {"id": "q2"}).json()
    assert again["cached"] is True and again["id"] == "q2" and again["answer"] == result["answer"]
    assert again["cache"]["level"] == "memory" and again["cache"]["age_ms"] >= 0
    values = query({"content": "How old is Ann?", "context": {"age of Ann": 42, "place": "Rome"}, "max_tokens": 8})
    assert values.status_code == 200 and values.json()["answer"]


def test_a_query_streams(service, query):
    body = {"content": "Count to five.", "max_tokens": 16, "stream": True}

    def events():
        with httpx.stream("POST", service.url + "/v1/query", json=body, timeout=120) as response:
            assert response.status_code == 200
            return [line[6:] for line in response.iter_lines() if line.startswith("data: ")]

    for status_wanted in ("miss", "hit"):
        got = events()
        assert got[-1] == "[DONE]"
        parts = [json.loads(e) for e in got[:-1]]
        result = parts[-1]["result"]
        assert "".join(p["delta"] for p in parts[:-1]) == result["answer"] != ""
        assert result["cache"]["status"] == status_wanted


@pytest.mark.parametrize("body,param", [
    ({}, "content"),
    ({"content": "a", "context": 5}, "context"),
    ({"content": "a", "context": [{"title": "t"}]}, "context[0].text"),
    ({"content": "a", "context": [7]}, "context[0]"),
    ({"content": "a", "max_depth": -1}, "max_depth"),
    ({"content": "a", "n": 2}, "n"),
    ({"content": "a", "cache": "x"}, "cache"),
])
def test_a_wrong_query_is_told_what_is_wrong(query, body, param):
    response = query(body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
