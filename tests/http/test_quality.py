"""Quality notes, the gate and reasoning as clients see them: the official client, and plain HTTP."""

import json
import socket

import httpx
import openai
import pytest

from service import wait_for

SERVICE_CONFIG = "[engine]\ncontext_tokens = 2048\n[reasoning]\nbranches = 2\nmax_thought_tokens = 200\n"
# No answer of this length ends by itself, so none passes.
STRICT_CONFIG = """
[engine]
context_tokens = 1024
kv_cells = 4096
[quality]
mode = "enforce"
min_dimension = ["patience=1"]
"""
CUT = {"temperature": 0, "max_tokens": 6}


def messages(text):
    return [{"role": "user", "content": text}]


def events(url, body):
    with httpx.stream("POST", url, json=body, timeout=120) as response:
        assert response.status_code == 200
        return [line[6:] for line in response.iter_lines() if line.startswith("data: ")]


def test_the_official_client_reads_chats_with_scores(service, client, model):
    chat = {"model": model, "messages": messages("Name a colour of the sky."), "temperature": 0, "max_tokens": 24}
    answer = client.chat.completions.create(**chat)
    note = answer.choices[0].sovereign_quality
    assert answer.choices[0].message.content
    assert 0 <= note["score"] <= 1 and note["dimensions"]["justice"] is None
    assert note["dimensions"]["excellence"] is not None
    assert note["dimensions"]["truthfulness"] is None, "no context, no samples, no judge: nothing speaks of truth"
    raw = client.chat.completions.with_raw_response.create(**chat)
    assert float(raw.headers["X-Sovereign-Quality"]) == note["score"]
    assert raw.headers["X-Sovereign-Cache"] == "hit"
    assert raw.parse().choices[0].sovereign_quality == note, "a found answer carries its scores"
    chunks = list(client.chat.completions.create(**chat | {"messages": messages("And of grass?")}, stream=True))
    ends = [c.choices[0] for c in chunks if c.choices and c.choices[0].finish_reason]
    assert len(ends) == 1 and 0 <= ends[0].sovereign_quality["score"] <= 1
    assert all(not hasattr(c.choices[0], "sovereign_quality") for c in chunks[:-1] if c.choices)


def test_a_query_tells_all_its_measurements_also_streamed(service):
    body = {"content": "Who lives there?", "context": ["Ann lives there."], "max_tokens": 12}
    result = httpx.post(service.url + "/v1/query", json=body, timeout=120).json()
    assert {"likelihood", "grounding", "completeness"} <= result["quality"]["signals"].keys()
    assert result["quality"]["ntu"]["coverage"] > 0
    last = json.loads(events(service.url + "/v1/query", body | {"max_tokens": 13, "stream": True})[-2])["result"]
    assert last["quality"]["signals"].keys() == result["quality"]["signals"].keys()
    assert service.metrics()['sovereign_quality_assessments_total{verdict="accept"}'] + service.metrics()[
        'sovereign_quality_assessments_total{verdict="annotate"}'] >= 2


def test_a_query_is_thought_over(service):
    body = {"content": "What is 2 + 2? Be short.", "max_depth": 2, "require_reasoning": True, "max_tokens": 12}
    result = httpx.post(service.url + "/v1/query", json=body, timeout=120).json()
    graph = result["reasoning"]
    assert 2 <= len(graph["thoughts"]) <= 4 and 1 <= graph["levels"] <= 2
    assert graph["best_path"][0] == 0 and graph["best_path"][-1] in {t["id"] for t in graph["thoughts"]}
    assert {tuple(e) for e in graph["edges"]} == {(p, t["id"]) for t in graph["thoughts"] for p in t["parents"]}
    assert all(0 <= t["scores"]["total"] <= 1 for t in graph["thoughts"])
    assert result["usage"]["completion_tokens_details"]["reasoning_tokens"] == graph["tokens"] > 0
    assert "reasoning" in [s["stage"] for s in result["timings"]["stages"]]
    streamed = events(service.url + "/v1/query", body | {"max_tokens": 13, "stream": True})
    assert json.loads(streamed[-2])["result"]["reasoning"]["thoughts"]
    assert len(streamed) > 3, "the answer itself streams"


def test_whoever_leaves_ends_the_thoughts(service):
    body = json.dumps({"content": "Think long about the sea.", "max_depth": 4, "temperature": 1}).encode()
    service.wait_until_idle()
    cancelled = 'sovereign_engine_requests_total{outcome="cancelled"}'
    before = service.metrics()[cancelled]
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(b"POST /v1/query HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_for(lambda: service.metrics()["sovereign_engine_sequences_running"] > 0, "thoughts")
    wait_for(lambda: service.metrics()[cancelled] > before, "the end of the thoughts")
    service.wait_until_idle()


def test_an_answer_that_falls_short_is_refused_with_its_scores(start):
    service = start(STRICT_CONFIG)
    client = service.client()
    model = client.models.list().data[0].id
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.chat.completions.create(model=model, messages=messages("Tell me a story."), **CUT)
    assert refused.value.code == "quality_gate"
    note = refused.value.body["details"]["quality"]
    assert note["passed"] is False and note["retries"] == 1
    assert "patience" in [s["name"] for s in note["shortfalls"]]
    # Of a stream nothing was told yet, so it has a status too.
    streamed = httpx.post(service.url + "/v1/chat/completions", timeout=120,
                          json={"messages": messages("Tell me a tale."), "stream": True} | CUT)
    assert streamed.status_code == 422 and streamed.json()["error"]["code"] == "quality_gate"
    metrics = service.metrics()
    assert metrics['sovereign_quality_assessments_total{verdict="refuse"}'] == 2
    assert metrics['sovereign_quality_assessments_total{verdict="retry"}'] == 2
    # What passes comes whole, and as a stream when it was asked for as one.
    ok = {"messages": messages("Say yes."), "response_format": {"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"const": "yes"}}}, "temperature": 0, "stream": True}
    got = events(service.url + "/v1/chat/completions", ok)
    parts = [json.loads(e)["choices"][0] for e in got[:-1]]
    assert "".join(p["delta"].get("content") or "" for p in parts) == '"yes"'
    assert parts[-1]["sovereign_quality"]["passed"] is True
