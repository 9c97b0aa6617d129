"""The gateway before llama-server, as llama.cpp's own build makes it: `make peers`. Skipped where it is not built."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import threading

import httpx
import openai
import pytest

from service import Service, needed, wait_for

MODEL = needed("SOVEREIGN_TEST_MODEL")
QUESTION = [{"role": "user", "content": "Name three colours."}]


class LlamaServer:
    def __init__(self, folder):
        self.program = os.environ.get("SOVEREIGN_LLAMA_SERVER", "")
        self.log_path = folder / "llama-server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-m", MODEL, "--host", "127.0.0.1", "--port", str(self.port), "-t", "1", "-np", "2",
                 "-c", "2048", "--slots", "--no-webui"], stdout=log, stderr=subprocess.STDOUT)
        wait_for(self.healthy, "llama-server", 120)

    def healthy(self):
        assert self.process.poll() is None, self.log_path.read_text(errors="replace")[-2000:]
        try:
            return httpx.get(self.url + "/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def busy(self):
        return any(slot["is_processing"] for slot in httpx.get(self.url + "/slots", timeout=30).json())

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    server = LlamaServer(tmp_path_factory.mktemp("llama-server"))
    if not os.path.exists(server.program):
        pytest.skip("llama-server is not built; `make peers` builds it")
    server.start()
    yield server
    server.kill()


def backend(llama, extra=""):
    return f'[backends.llama]\npreset = "llama-server"\nurl = "{llama.url}"\n{extra}'


@pytest.fixture(scope="module")
def front(llama):
    """Without a model of its own: whatever it answers is llama-server's."""
    running = Service("[model]\nenabled = false\n[cache]\nenabled = false\n" + backend(llama))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def guarded(llama):
    """llama-server first, the model in this process when it fails; both tiers are named as local, in this order."""
    running = Service(
        "[engine]\ncontext_tokens = 1024\nkv_cells = 2048\n[cache]\nenabled = false\n"
        '[model]\nname = "own"\n[routing]\nbreaker_failures = 2\nbreaker_open_for = "200ms"\nprobe_interval = "0s"\n'
        'local_fallback = ["edge"]\n' + backend(llama, 'first_token_timeout = "2s"\ntoken_timeout = "5s"\n')
    )
    # It is ready as soon as one of them can answer, and a model here that is still read from disk cannot.
    wait_for(lambda: ask(running, model="own").status_code == 200, "the model in this process")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def batching(llama):
    """Asks it for up to four chats in one call, one call at a time."""
    running = Service("[model]\nenabled = false\n[cache]\nenabled = false\n" + backend(
        llama, 'max_concurrency = 1\nbatch_size = 4\nbatch_wait = "5s"\nbatch_template = "chatml"\n'))
    yield running
    running.stop()


@pytest.fixture
def running_llama(llama):
    """Running, whatever the test before did to it."""
    if llama.process.poll() is not None:
        llama.start()
    yield llama
    if llama.process.poll() is None:
        llama.process.send_signal(signal.SIGCONT)


def ask(server, **more):
    body = {"messages": QUESTION, "max_tokens": 16, "temperature": 0} | more
    return httpx.post(server.url + "/v1/chat/completions", json=body, timeout=120)


def from_llama(guarded):
    """What answers a query that may go to either."""
    answer = ask(guarded, tier="local")
    assert answer.status_code == 200, answer.text
    return answer.json()["model"] != "own"


def test_whole_and_streamed_answers_are_its_own(front, running_llama):
    direct = ask(running_llama).json()
    through = ask(front).json()
    assert through["choices"][0]["message"]["content"] == direct["choices"][0]["message"]["content"]
    assert through["usage"]["completion_tokens"] == direct["usage"]["completion_tokens"]
    assert through["choices"][0]["finish_reason"] == direct["choices"][0]["finish_reason"]
    chunks = front.client().chat.completions.create(
        model="llama", messages=QUESTION, max_tokens=16, temperature=0, stream=True)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == direct["choices"][0]["message"]["content"]


def test_its_model_is_discovered(front, running_llama):
    offered = [m["id"] for m in httpx.get(running_llama.url + "/v1/models").json()["data"]]
    listed = httpx.get(front.url + "/v1/models").json()["data"][0]
    assert listed["id"] == "llama" and listed["meta"]["offers"] == offered
    assert ask(front, model=offered[0]).status_code == 200


def test_a_schema_binds_it(front, running_llama):
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"],
              "additionalProperties": False}
    answer = ask(front, max_tokens=64, response_format={
        "type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}).json()
    assert answer["choices"][0]["message"]["content"].replace(" ", "").replace("\n", "") in (
        '{"colour":"red"}', '{"colour":"blue"}')


def test_knobs_of_sampling_reach_it(front, running_llama):
    """llama-server's bits depend on its batches, so what is drawn from many is not compared."""
    greedy = ask(running_llama, max_tokens=12).json()["choices"][0]["message"]["content"]
    hot = ask(front, temperature=1.5, top_k=1, max_tokens=12).json()
    assert hot["choices"][0]["message"]["content"] == greedy
    banned = ask(front, max_tokens=12, stop=[greedy[2:5]]).json()["choices"][0]
    assert banned["message"]["content"] == greedy[:greedy.index(greedy[2:5])]
    assert banned["finish_reason"] == "stop"


def test_its_refusals_are_passed_on(front, running_llama):
    answer = ask(front, messages=[{"role": "user", "content": "word " * 3000}])
    assert answer.status_code == 400
    assert "context" in answer.json()["error"]["message"]


def test_a_client_that_leaves_ends_its_work(front, running_llama):
    body = {"messages": QUESTION, "max_tokens": 2000, "temperature": 0, "stream": True, "ignore_eos": True}
    with httpx.stream("POST", front.url + "/v1/chat/completions", json=body, timeout=120) as response:
        lines = response.iter_lines()  # held: a generator that is dropped closes the connection
        assert any('"content":"' in line for line in lines)
        assert running_llama.busy()
    wait_for(lambda: not running_llama.busy(), "the slot to be free")


def test_it_dies_in_the_middle_of_a_stream(guarded, running_llama):
    wait_for(lambda: from_llama(guarded), "llama-server to be asked")
    body = {"messages": QUESTION, "max_tokens": 900, "temperature": 0, "stream": True, "ignore_eos": True,
            "tier": "local"}
    lines = []
    with httpx.stream("POST", guarded.url + "/v1/chat/completions", json=body, timeout=120) as response:
        for line in response.iter_lines():
            if '"content":"' in line and running_llama.process.poll() is None:
                running_llama.kill()
            lines.append(line)
    assert any("backend_broke_off" in line for line in lines)
    assert [line for line in lines if line][-1] == "data: [DONE]"


def test_it_is_dead_and_the_next_one_answers_unseen(guarded, running_llama):
    opened = 'sovereign_backend_breaker_opened_total{backend="llama"}'  # a slow answer outlasts the open state
    before = guarded.metrics()[opened]
    running_llama.kill()
    for _ in range(4):
        assert not from_llama(guarded)
    assert guarded.metrics()[opened] > before
    running_llama.start()
    wait_for(lambda: from_llama(guarded), "llama-server to be asked again")


def test_it_hangs_and_the_next_one_answers_unseen(guarded, running_llama):
    wait_for(lambda: from_llama(guarded), "llama-server to be asked")
    running_llama.process.send_signal(signal.SIGSTOP)
    assert not from_llama(guarded)
    running_llama.process.send_signal(signal.SIGCONT)
    wait_for(lambda: from_llama(guarded), "llama-server to be asked again")


def test_it_hangs_in_the_middle_of_a_stream(guarded, running_llama):
    wait_for(lambda: from_llama(guarded), "llama-server to be asked")
    body = {"messages": QUESTION, "max_tokens": 900, "temperature": 0, "stream": True, "ignore_eos": True,
            "tier": "local"}
    lines, stopped = [], False
    with httpx.stream("POST", guarded.url + "/v1/chat/completions", json=body, timeout=120) as response:
        for line in response.iter_lines():
            if '"content":"' in line and not stopped:
                running_llama.process.send_signal(signal.SIGSTOP)
                stopped = True
            lines.append(line)
    running_llama.process.send_signal(signal.SIGCONT)
    assert any("backend_broke_off" in line for line in lines)


def test_many_clients_while_it_dies_and_comes_back(guarded, running_llama):
    """Whoever gives them, there are answers: what is not streamed is begun anew."""
    stop = threading.Event()
    statuses = []

    def client():
        while not stop.is_set():
            answer = ask(guarded, tier="local", max_tokens=4)
            statuses.append(answer.status_code)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    for _ in range(2):
        seen = len(statuses)
        wait_for(lambda: len(statuses) >= seen + 8, "answers with llama-server")
        running_llama.kill()
        seen = len(statuses)
        wait_for(lambda: len(statuses) >= seen + 8, "answers without it")
        running_llama.start()
    stop.set()
    for each in clients:
        each.join()
    assert set(statuses) == {200}


def chat_about(question):
    """With a system message: the model's own template would put in one that chatml does not know."""
    return [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": question}]


def ask_all(server, chats, **more):
    with concurrent.futures.ThreadPoolExecutor(len(chats)) as clients:
        return list(clients.map(lambda messages: ask(server, messages=messages, **more), chats))


def test_chats_that_share_a_call_are_answered_as_each_alone(batching, running_llama):
    chats = [chat_about(question) for question in
             ("Name three colours.", "What is the capital of France?", "Count to five.", "Say hello.")]
    alone = [ask(running_llama, messages=messages).json() for messages in chats]
    together = [answer.json() for answer in ask_all(batching, chats)]
    for one, shared in zip(alone, together):
        assert shared["choices"][0]["message"]["content"] == one["choices"][0]["message"]["content"]
        assert shared["choices"][0]["finish_reason"] == one["choices"][0]["finish_reason"]
        assert shared["usage"]["completion_tokens"] == one["usage"]["completion_tokens"]
        assert shared["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    metrics = batching.metrics()
    assert metrics['sovereign_backend_batches_total{backend="llama"}'] == 1
    assert metrics['sovereign_backend_batched_prompts_total{backend="llama"}'] == 4


def test_one_that_is_too_long_spoils_one_batch_at_most(batching, running_llama):
    chats = [chat_about("word " * 3000), *(chat_about(f"Say {n}.") for n in range(3))]
    first = ask_all(batching, chats, max_tokens=4)
    assert first[0].status_code == 400 and "context" in first[0].json()["error"]["message"]
    second = ask_all(batching, chats, max_tokens=4)
    assert [answer.status_code for answer in second] == [400, 200, 200, 200]
    assert batching.metrics()['sovereign_backend_batches_refused_total{backend="llama"}'] == 1


def test_an_unknown_model_is_refused(front):
    with pytest.raises(openai.NotFoundError):
        front.client().chat.completions.create(model="gpt-9", messages=QUESTION)
