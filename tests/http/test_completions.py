"""Text completions and embeddings through the official client."""

import openai
import pytest

COUNT = {"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 8}


def test_text_and_stream(client, model):
    whole = client.completions.create(model=model, **COUNT)
    assert whole.object == "text_completion"
    assert whole.choices[0].text
    stream = client.completions.create(model=model, stream=True, **COUNT)
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text


def test_default_length_is_sixteen(client, model):
    answer = client.completions.create(
        model=model, prompt="Once", temperature=0, extra_body={"ignore_eos": True}
    )
    assert answer.usage.completion_tokens == 16


def test_several_prompts_and_choices(client, model):
    answer = client.completions.create(
        model=model, prompt=["1, 2, 3,", "A, B, C,"], n=2, echo=True, temperature=0, max_tokens=4
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert all(choice.text.startswith("1, 2, 3,") for choice in answer.choices[:2])
    assert all(choice.text.startswith("A, B, C,") for choice in answer.choices[2:])


def test_token_prompts(client, model):
    one = client.completions.create(model=model, prompt=[10, 20, 30], temperature=0, max_tokens=2)
    assert one.usage.prompt_tokens == 3
    two = client.completions.create(model=model, prompt=[[10, 20, 30], [40]], temperature=0, max_tokens=2)
    assert two.usage.prompt_tokens == 4
    assert two.choices[0].text == one.choices[0].text


def test_logprobs(client, model):
    answer = client.completions.create(model=model, logprobs=2, **COUNT)
    logprobs = answer.choices[0].logprobs
    assert len(logprobs.tokens) == len(logprobs.token_logprobs) == len(logprobs.text_offset)
    assert "".join(logprobs.tokens).startswith(answer.choices[0].text)
    assert logprobs.text_offset[0] == 0
    assert all(len(candidates) == 2 for candidates in logprobs.top_logprobs)


def test_zero_tokens_give_an_empty_completion(client, model):
    answer = client.completions.create(model=model, prompt="Hello", max_tokens=0)
    assert answer.choices[0].text == ""
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 0
    chunks = list(client.completions.create(model=model, prompt="Hello", max_tokens=0, echo=True, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Hello"


def test_embeddings(start):
    service = start('[engine]\ncontext_tokens = 512\nembedding_pooling = "mean"\n')
    client = service.client()
    texts = ["The cat sat on the mat.", "A cat is sitting on a mat.", "Interest rates rose by 2 % in 1987."]
    answer = client.embeddings.create(model="", input=texts, encoding_format="float")
    vectors = [item.embedding for item in answer.data]
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert all(len(vector) == 576 for vector in vectors)
    dot = lambda a, b: sum(x * y for x, y in zip(a, b, strict=True))
    assert abs(dot(vectors[0], vectors[0]) - 1) < 1e-4
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2])
    assert answer.usage.prompt_tokens > 20
    # The official client asks for base64 unless told otherwise, and decodes it.
    packed = client.embeddings.create(model="", input=texts[0]).data[0].embedding
    assert max(abs(a - b) for a, b in zip(packed, vectors[0], strict=True)) < 1e-5
    assert service.metrics()["sovereign_engine_requests_queued"] == 0


def test_embeddings_say_that_the_model_cannot(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model=model, input="Hello")
    assert caught.value.code == "model_does_not_support_embeddings"
