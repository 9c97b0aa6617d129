"""Chat completions through the official client."""

import httpx

QUESTION = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Name three colours."},
]
GREEDY = {"messages": QUESTION, "temperature": 0, "max_tokens": 24}


def stream_text(stream):
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_models(client, model):
    assert client.models.retrieve(model).id == model
    assert client.models.list().data[0].object == "model"


def test_answer_and_usage(client, model):
    answer = client.chat.completions.create(model=model, **GREEDY)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert answer.model == model
    assert answer.system_fingerprint
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert 0 < answer.usage.completion_tokens <= 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model_extra["timings"]["predicted_n"] == answer.usage.completion_tokens


def test_streamed_equals_whole_under_greedy(client, model):
    whole = client.chat.completions.create(model=model, **GREEDY)
    chunks = list(
        client.chat.completions.create(
            model=model, stream=True, stream_options={"include_usage": True}, **GREEDY
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert stream_text(chunks) == whole.choices[0].message.content
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    assert finishes == [whole.choices[0].finish_reason]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_repeated_prompt_is_cached(client, model):
    client.chat.completions.create(model=model, **GREEDY)
    again = client.chat.completions.create(model=model, **GREEDY)
    assert again.usage.prompt_tokens_details.cached_tokens > 0


def test_stream_is_server_sent_events(service, model):
    body = {"model": model, "stream": True, **GREEDY}
    with httpx.stream("POST", service.url + "/v1/chat/completions", json=body, timeout=300) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


def test_several_choices(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, n=2, seed=7, temperature=1.5, max_tokens=24
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].message.content != answer.choices[1].message.content
    texts = ["", ""]
    stream = client.chat.completions.create(
        model=model, messages=QUESTION, n=2, temperature=0, max_tokens=8, stream=True
    )
    for chunk in stream:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts[0] == texts[1] != ""


def test_seed_makes_it_reproducible(client, model):
    def ask(seed):
        answer = client.chat.completions.create(
            model=model, messages=QUESTION, seed=seed, temperature=1.2, max_tokens=24
        )
        return answer.choices[0].message.content

    assert ask(11) == ask(11)
    assert len({ask(seed) for seed in (11, 12, 13)}) > 1


def test_stop_strings_across_tokens(client, model):
    whole = client.chat.completions.create(model=model, **GREEDY).choices[0].message.content
    # Cut in the middle of words on both sides, so that no token boundary helps.
    stop = whole[len(whole) // 3 : len(whole) // 3 + 5]
    answer = client.chat.completions.create(model=model, stop=[stop], **GREEDY)
    assert answer.choices[0].message.content == whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
    stream = client.chat.completions.create(model=model, stop=stop, stream=True, **GREEDY)
    assert stream_text(stream) == whole[: whole.index(stop)]


def test_logprobs(client, model):
    answer = client.chat.completions.create(model=model, logprobs=True, top_logprobs=3, **GREEDY)
    entries = answer.choices[0].logprobs.content
    assert len(entries) >= answer.usage.completion_tokens - 1  # the end token may have none
    for entry in entries:
        assert entry.logprob <= 0
        assert len(entry.top_logprobs) == 3
        ordered = [candidate.logprob for candidate in entry.top_logprobs]
        assert ordered == sorted(ordered, reverse=True)
        assert entry.token == entry.top_logprobs[0].token  # greedy takes the best
    text = b"".join(bytes(entry.bytes) for entry in entries).decode(errors="replace")
    assert text.startswith(answer.choices[0].message.content)
    stream = client.chat.completions.create(model=model, logprobs=True, stream=True, **GREEDY)
    streamed = [e.token for c in stream if c.choices and c.choices[0].logprobs for e in c.choices[0].logprobs.content]
    assert streamed == [entry.token for entry in entries]


def test_logit_bias_bans_a_token(client, model):
    plain = client.completions.create(model=model, prompt="1, 2, 3,", temperature=0, max_tokens=4)
    body = {"ignore_eos": True}
    banned = {str(token): -100 for token in range(0, 1000)}
    other = client.completions.create(
        model=model, prompt="1, 2, 3,", temperature=0, max_tokens=4, logit_bias=banned, extra_body=body
    )
    assert other.choices[0].text != plain.choices[0].text


def test_content_parts_and_developer_role(client, model):
    parts = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Name three"}, {"type": "text", "text": "colours."}]},
    ]
    answer = client.chat.completions.create(model=model, messages=parts, max_tokens=4)
    assert answer.usage.prompt_tokens > 10


def test_ignore_eos_goes_on_to_the_limit(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, max_tokens=200, temperature=0, extra_body={"ignore_eos": True}
    )
    assert answer.usage.completion_tokens == 200
    assert answer.choices[0].finish_reason == "length"
