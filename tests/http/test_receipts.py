"""Receipts and signed queries as clients meet them: asked for, verified by the program and by the verifier in
examples/, replayed by the model, found again, and there after kill -9. The same for envelopes and their nonces."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from service import Service, needed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
import sign_envelope  # noqa: E402
import verify_receipt  # noqa: E402

SENDER_SEED = bytes(range(32))
SENDER_KEY = "ed25519:" + sign_envelope.public_key(SENDER_SEED).hex()
POLICY = "Ask politely."
ENVELOPE = {"Content-Type": "application/vnd.sovereign.envelope"}
QUESTION = {"messages": [{"role": "user", "content": "Name three rivers."}], "max_tokens": 12}


def sovereign(*words):
    return subprocess.run([needed("SOVEREIGN_BIN"), *map(str, words)], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Key, folder and configuration of a server that proves."""
    folder = tmp_path_factory.mktemp("proof")
    made = sovereign("keys", "new", folder / "signing.key")
    assert made.returncode == 0, made.stderr
    config = f"""
[engine]
context_tokens = 1024
kv_cells = 8192
[receipts]
key_file = "{folder}/signing.key"
folder = "{folder}/receipts"
[envelopes]
senders = ["alice={SENDER_KEY}"]
policy = "{POLICY}"
folder = "{folder}/nonces"
"""
    return folder, made.stdout.strip(), config


@pytest.fixture(scope="module")
def proving(parts):
    running = Service(parts[2])
    yield running
    running.stop()


def check(parts, receipt, answer, query, *more):
    """Both verifiers take it, with its texts, the signer's key and the model's file."""
    folder, key, _ = parts
    assert verify_receipt.check(receipt, key, answer, query) is None
    for name, content in (("receipt", json.dumps(receipt).encode()), ("answer", answer), ("query", query)):
        (folder / name).write_bytes(content)
    output = sovereign("verify", folder / "receipt", "--key", key, "--answer", folder / "answer", "--query",
                       folder / "query", "--model", needed("SOVEREIGN_TEST_MODEL"), *more)
    assert output.returncode == 0, output.stdout + output.stderr
    return output.stdout


def query(service, body, **headers):
    response = httpx.post(service.url + "/v1/query", content=json.dumps(body), headers=headers, timeout=120)
    assert response.status_code == 200, response.text
    return response.json(), response.request.content


def test_the_official_client_gets_a_receipt_that_can_be_replayed(proving, parts):
    client = proving.client()
    model = client.models.list().data[0].id
    # Random, with a seed that the server draws: the receipt tells it.
    raw = client.chat.completions.with_raw_response.create(
        model=model, temperature=0.9, extra_body={"receipt": True}, **QUESTION)
    completion = raw.parse()
    receipt = completion.model_extra["receipt"]
    answer = completion.choices[0].message.content.encode()
    sampling = receipt["content"]["sampling"]
    assert sampling["form"] == "chat" and sampling["temperature"] == "0.9" and int(sampling["seed"]) >= 0
    assert receipt["content"]["model"]["name"] == model
    sent = raw.http_request.content
    assert "gives the same answer" in check(parts, receipt, answer, sent, "--replay")
    # Another seed is another answer, and no receipt of it: the signature is over the seed.
    receipt["content"]["sampling"]["seed"] = str(int(sampling["seed"]) + 1)
    assert verify_receipt.check(receipt) == "the signature does not hold"
    assert "receipt" not in client.chat.completions.create(model=model, **QUESTION).model_extra


def test_a_streamed_answer_brings_it_at_the_end(proving, parts):
    client = proving.client()
    model = client.models.list().data[0].id
    chunks = list(client.chat.completions.create(
        model=model, temperature=0, stream=True, stream_options={"include_usage": True},
        extra_headers={"X-Sovereign-Receipt": "true"}, **QUESTION))
    sealed = [c for c in chunks if "receipt" in (c.model_extra or {})]
    assert sealed == chunks[-2:-1] and chunks[-1].usage
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    receipt = sealed[0].model_extra["receipt"]
    assert verify_receipt.check(receipt, parts[1], text.encode()) is None


def test_queries_found_ones_too_have_receipts_of_their_own(proving, parts):
    body = {"content": "Which river is the longest?", "max_tokens": 12, "receipt": True}
    first, sent = query(proving, body)
    check(parts, first["receipt"], first["answer"].encode(), sent, "--replay")
    second, sent = query(proving, body | {"id": "again"})
    assert second["cached"] is True and second["answer"] == first["answer"]
    assert [s["stage"] for s in second["timings"]["stages"]] == ["tier", "admission", "cache", "seal"]
    one, two = first["receipt"], second["receipt"]
    assert two["content"]["sequence"] == one["content"]["sequence"] + 1
    check(parts, two, second["answer"].encode(), sent)
    folder = parts[0]
    (folder / "previous").write_text(json.dumps(one))
    assert sovereign("verify", folder / "receipt", "--previous", folder / "previous").returncode == 0
    with httpx.stream("POST", proving.url + "/v1/query", json=body | {"stream": True}, timeout=120) as response:
        events = [json.loads(line[6:]) for line in response.iter_lines()
                  if line.startswith("data: {")]
    result = events[-1]["result"]
    assert verify_receipt.check(result["receipt"], parts[1], result["answer"].encode()) is None


def test_a_receipt_is_found_again_without_its_openings(proving, parts):
    result, _ = query(proving, {"content": "Is it raining?", "max_tokens": 4}, **{"X-Sovereign-Receipt": "true"})
    receipt = result["receipt"]
    again = httpx.get(f"{proving.url}/v1/receipts/{receipt['content']['id']}")
    assert again.status_code == 200
    found = again.json()
    assert found["content"] == receipt["content"] and "openings" not in found
    assert verify_receipt.check(found, parts[1]) is None
    about = httpx.get(proving.url + "/v1/receipts").json()
    assert about["issuer"] == parts[1] and about["size"] > receipt["content"]["sequence"]
    number, random = receipt["content"]["id"][2:].split("-")
    for unknown in ("nonsense", f"r-{number}-{'0' * len(random)}", f"r-999999-{random}"):
        missing = httpx.get(f"{proving.url}/v1/receipts/{unknown}")
        assert missing.status_code == 404 and unknown in missing.json()["error"]["message"]
    metrics = proving.metrics()
    assert metrics["sovereign_receipts_issued_total"] == metrics["sovereign_receipt_log_entries"] >= 1
    assert metrics["sovereign_receipts_failed_total"] == 0 and metrics["sovereign_receipt_log_bytes"] > 500


def test_the_log_shows_that_it_only_grew(proving, parts, tmp_path):
    header = {"X-Sovereign-Receipt": "true"}
    first = query(proving, {"content": "One?", "max_tokens": 2}, **header)[0]["receipt"]
    query(proving, {"content": "Two?", "max_tokens": 2}, **header)
    size = first["log"]["head"]["size"]
    shown = httpx.get(f"{proving.url}/v1/receipts/consistency", params={"from": size})
    assert shown.status_code == 200 and shown.json()["to"] > size
    (tmp_path / "receipt").write_text(json.dumps(first))
    (tmp_path / "proof").write_text(shown.text)
    judged = sovereign("verify", tmp_path / "receipt", "--consistency", tmp_path / "proof", "--key", parts[1])
    assert judged.returncode == 0 and "ok   consistency" in judged.stdout, judged.stdout + judged.stderr
    forged = shown.json()
    forged["path"][0] = "0" * 64
    (tmp_path / "proof").write_text(json.dumps(forged))
    judged = sovereign("verify", tmp_path / "receipt", "--consistency", tmp_path / "proof")
    assert judged.returncode == 1 and "did not only grow" in judged.stdout, judged.stdout
    for wrong in ({"from": 999999}, {"from": "x"}, {"from": 2, "to": 1}):
        assert httpx.get(f"{proving.url}/v1/receipts/consistency", params=wrong).status_code == 400


def test_a_key_that_is_named_must_be_usable(parts, tmp_path):
    key = tmp_path / "open.key"
    key.write_bytes((parts[0] / "signing.key").read_bytes())
    key.chmod(0o644)
    ended = subprocess.run([needed("SOVEREIGN_BIN"), "serve", "--server.port", "0", "--model.path",
                            needed("SOVEREIGN_TEST_MODEL"), "--receipts.key_file", str(key)],
                           capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "chmod 600" in ended.stderr, ended.stderr


def test_always_means_no_answer_without(start, tmp_path, parts):
    server = start(f'[receipts]\nmode = "always"\nkey_file = "{parts[0]}/signing.key"\nfolder = "{tmp_path}/r"\n')
    refused = httpx.post(server.url + "/v1/completions", json={"prompt": "a", "max_tokens": 1})
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "receipts_unavailable"
    sealed = httpx.post(server.url + "/v1/chat/completions", json=QUESTION, timeout=120)
    assert sealed.status_code == 200 and "receipt" in sealed.json()


def test_what_cannot_be_sealed_says_so(proving, service):
    header = {"X-Sovereign-Receipt": "true"}
    other = httpx.post(proving.url + "/v1/completions", json={"prompt": "a", "max_tokens": 1}, headers=header)
    assert other.status_code == 400 and other.json()["error"]["code"] == "receipts_unavailable"
    wrong = httpx.post(proving.url + "/v1/query", json={"content": "a"}, headers={"X-Sovereign-Receipt": "maybe"})
    assert wrong.status_code == 400
    # A server without a key.
    none = httpx.post(service.url + "/v1/chat/completions", json=QUESTION, headers=header)
    assert none.status_code == 400 and "sovereign keys new" in none.json()["error"]["message"]
    assert httpx.get(service.url + "/v1/receipts").status_code == 404


def send(service, envelope):
    response = httpx.post(service.url + "/v1/query", content=envelope, headers=ENVELOPE, timeout=120)
    return response.status_code, response.json()


def envelope(body, seed=SENDER_SEED, **changes):
    fields = {"sender": "alice", "policy": POLICY, "scores": [0.97] * 8} | changes
    return sign_envelope.seal(seed, payload=json.dumps(body).encode(), **fields)


def test_signed_queries_pass_the_gates(proving, parts):
    body = {"content": "Who asks?", "max_tokens": 4, "receipt": True}
    good = envelope(body)
    status, result = send(proving, good)
    assert status == 200, result
    # What was sealed is what was signed.
    assert verify_receipt.check(result["receipt"], parts[1], result["answer"].encode(), json.dumps(body).encode()) is None
    forged = bytearray(envelope(body))
    forged[-1] ^= 1
    refusals = [
        (good, 409, "REJECT_NONCE_REPLAY"),
        (b"nonsense", 400, "REJECT_SCHEMA"),
        (bytes(forged), 401, "REJECT_SIGNATURE"),
        (envelope(body, now_ms=10**12), 400, "REJECT_TIMESTAMP_STALE"),
        (envelope(body, policy="Another."), 403, "REJECT_POLICY_MISMATCH"),
        (envelope(body, seed=bytes(32)), 403, "REJECT_POLICY_MISMATCH"),
        (envelope(body, scores=[0.9] * 8), 422, "REJECT_IHSAN_BELOW_MIN"),
    ]
    for sent, expected, code in refusals:
        status, answer = send(proving, sent)
        assert (status, answer["error"]["code"]) == (expected, code)
    metrics = proving.metrics()
    assert metrics['sovereign_gate_verdicts_total{code="ADMITTED"}'] == 1
    assert metrics['sovereign_gate_rejected_total{gate="policy"}'] == 2
    assert metrics['sovereign_gate_passed_total{gate="quality"}'] == 1
    assert metrics['sovereign_gate_seconds_total{gate="signature"}'] > 0
    assert send(proving, envelope({"max_tokens": 1}))[0] == 400, "what is inside is checked as any query"


def test_log_and_nonces_survive_kill_9(start, tmp_path, parts):
    _, key, config = parts
    config = re.sub(r'"[^"]*/(receipts|nonces)"', lambda m: f'"{tmp_path}/{m[1]}"', config)
    config = config.replace("[receipts]", '[receipts]\nmode = "always"').replace("[envelopes]", "[envelopes]\nrequired = true")
    first = start(config)
    sent = envelope({"content": "Before?", "max_tokens": 4})
    status, result = send(first, sent)
    assert status == 200 and "receipt" in result, "every answer is sealed"
    for path, body in (("query", {"content": "a"}), ("chat/completions", QUESTION), ("completions", {"prompt": "a"}),
                       ("embeddings", {"input": "a"})):
        bare = httpx.post(f"{first.url}/v1/{path}", json=body)
        assert bare.status_code == 403 and bare.json()["error"]["code"] == "envelope_required", path
    first.process.kill()
    first.process.wait()
    second = start(config)
    assert send(second, sent)[1]["error"]["code"] == "REJECT_NONCE_REPLAY"
    old = result["receipt"]
    assert httpx.get(f"{second.url}/v1/receipts/{old['content']['id']}").json()["content"] == old["content"]
    status, later = send(second, envelope({"content": "After?", "max_tokens": 4}))
    assert status == 200 and later["receipt"]["content"]["sequence"] == 1
    (tmp_path / "old").write_text(json.dumps(old))
    (tmp_path / "new").write_text(json.dumps(later["receipt"]))
    assert sovereign("verify", tmp_path / "new", "--previous", tmp_path / "old", "--key", key).returncode == 0
    # A second server cannot write the same log, and with `always` it says so and ends.
    taken = subprocess.run(
        [needed("SOVEREIGN_BIN"), "serve", "--server.port", "0", "--model.path", needed("SOVEREIGN_TEST_MODEL"),
         "--receipts", "always", "--receipts.key_file", str(parts[0] / "signing.key"), "--receipts.folder",
         str(tmp_path / "receipts")], capture_output=True, text=True, timeout=60)
    assert taken.returncode == 1 and "another process" in taken.stderr, taken.stderr
    second.stop()
    audit = sovereign("verify", "--log", tmp_path / "receipts", "--key", key)
    assert audit.returncode == 0 and "2 receipts" in audit.stdout, audit.stderr
