"""Constrained output: JSON, schemas, grammars, tools."""

import json

import openai
import pytest

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "colour": {"enum": ["red", "green", "blue"]},
    },
    "required": ["name", "age", "colour"],
    "additionalProperties": False,
}
ASK = [{"role": "user", "content": "Describe a person."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
        },
    },
}
CALL = {
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    "tools": [WEATHER],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "temperature": 0,
    "max_tokens": 200,
}


def assert_matches_schema(text):
    value = json.loads(text)
    assert set(value) == {"name", "age", "colour"}
    assert isinstance(value["name"], str) and len(value["name"]) <= 20
    assert isinstance(value["age"], int) and 0 <= value["age"] <= 120
    assert value["colour"] in ("red", "green", "blue")


def test_json_schema(client, model):
    schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}
    for seed in range(3):
        answer = client.chat.completions.create(
            model=model, messages=ASK, response_format=schema, seed=seed, max_tokens=200
        )
        assert_matches_schema(answer.choices[0].message.content)
    completion = client.completions.create(
        model=model, prompt="A person:", max_tokens=200, seed=1, extra_body={"response_format": schema}
    )
    assert_matches_schema(completion.choices[0].text)


def test_json_object(client, model):
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Give me a very small JSON object."}],
        response_format={"type": "json_object"},
        temperature=0,
        max_tokens=400,
    )
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
    else:
        assert answer.choices[0].message.content.lstrip().startswith("{")


def test_grammar(client, model):
    answer = client.chat.completions.create(
        model=model, messages=ASK, extra_body={"grammar": 'root ::= "yes" | "no"'}, max_tokens=10
    )
    assert answer.choices[0].message.content in ("yes", "no")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {"age": {"type": "number", "minimum": 0}}}, "'minimum' at '#/properties/age'"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"type": "string", "pattern": "a+"}, "'pattern'"),
        ({"type": "string", "minLength": 200_000}, "'minLength'"),
    ],
)
def test_schemas_that_cannot_be_enforced_are_refused(client, model, schema, words):
    format = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=ASK, response_format=format)
    assert caught.value.param == "response_format"
    assert words in caught.value.message
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model=model, prompt="x", extra_body={"response_format": format})
    assert caught.value.param == "response_format"


def test_a_schema_that_is_not_strict_is_a_wish(client, model):
    schema = {"type": "array", "items": {"type": "integer", "maximum": 9, "minimum": 0}, "uniqueItems": True, "maxItems": 3}
    format = {"type": "json_schema", "json_schema": {"name": "x", "strict": False, "schema": schema}}
    answer = client.chat.completions.create(model=model, messages=ASK, response_format=format, max_tokens=60)
    assert all(0 <= item <= 9 for item in json.loads(answer.choices[0].message.content))


# Each of them ended the server, or kept its engine busy for ever.
HOSTILE_GRAMMARS = {
    "nested": "root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000,
    "rules that meet again": "root ::= a0\n" + "".join(f"a{i} ::= a{i + 1} | a{i + 1}\n" for i in range(60)) + 'a60 ::= "x"',
    "hidden left recursion": 'root ::= e root "x" | "y"\ne ::= n\nn ::= ""',
    "begins in too many ways": "root ::= a0\n"
    + "".join(f'a{i} ::= a{i + 1} "x" | a{i + 1} "y"\n' for i in range(60))
    + 'a60 ::= "x"',
}


@pytest.mark.parametrize("name", HOSTILE_GRAMMARS)
def test_hostile_grammars_harm_nobody(client, model, name):
    create = lambda: client.completions.create(
        model=model, prompt="x", max_tokens=4, extra_body={"grammar": HOSTILE_GRAMMARS[name]}
    )
    if name == "rules that meet again":
        assert create().choices[0].text == "x"
        return
    with pytest.raises(openai.BadRequestError) as caught:
        create()
    assert caught.value.body["param"] == "grammar"


def test_an_ambiguous_grammar_ends_its_request_only(client, model, service):
    """k readings after the first character, k * k after the second: the engine must give that request up."""
    grammar = 'root ::= "x"' + "".join(f' | "x" root "{letter}"' for letter in "abcdefghijklmnopqrstuv")
    with pytest.raises(openai.APIStatusError) as caught:
        client.completions.create(
            model=model, prompt="xxxx", max_tokens=400, extra_body={"grammar": grammar, "ignore_eos": True}
        )
    assert "too many ways" in caught.value.message
    other = client.completions.create(model=model, prompt="Once", max_tokens=4)
    assert other.choices[0].text
    service.wait_until_idle()


def test_required_tool_is_called(client, model):
    answer = client.chat.completions.create(model=model, **CALL)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].type == "function"
    assert choice.message.tool_calls[0].id
    assert choice.message.tool_calls[0].function.name == "get_weather"
    assert isinstance(json.loads(choice.message.tool_calls[0].function.arguments)["city"], str)


def test_tool_call_streams(client, model):
    whole = client.chat.completions.create(model=model, **CALL).choices[0].message.tool_calls[0]
    name = arguments = ""
    ids = set()
    finish = None
    for chunk in client.chat.completions.create(model=model, stream=True, **CALL):
        finish = chunk.choices[0].finish_reason or finish
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.index == 0
            name += call.function.name or ""
            arguments += call.function.arguments or ""
            if call.id:
                ids.add(call.id)
    assert (name, arguments) == (whole.function.name, whole.function.arguments)
    assert len(ids) == 1
    assert finish == "tool_calls"


def test_conversation_with_a_tools_answer(client, model):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "user", "content": "What is the weather in Paris?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "Sunny, 25 degrees."},
        ],
        tools=[WEATHER],
        tool_choice="none",
        temperature=0,
        max_tokens=24,
    )
    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls
