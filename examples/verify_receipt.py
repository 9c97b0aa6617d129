#!/usr/bin/env python3
"""Checks a receipt with nothing but Python's own library: a second verifier beside `sovereign verify`.

    verify_receipt.py receipt.json [--key ed25519:…] [--answer FILE] [--query FILE] [--model GGUF] [--previous RECEIPT]

Exit status 0: it holds; 1: it does not, and the reason is printed. The formats are those of docs/proof.md.
"""
import argparse
import hashlib
import json
import re
import sys

from ed25519 import signature_holds


def digest(purpose, content):
    return hashlib.sha256(b"sovereign/" + purpose + b"/v1\0" + content).digest()


def canonical(value):  # receipts hold no fractions and only ASCII keys, so this is RFC 8785
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_of(leaf, index, size, path):  # RFC 9162, 2.1.3.2
    node, last = index, size - 1
    for sibling in path:
        if node & 1 or node == last:
            leaf = hashlib.sha256(b"\1" + sibling + leaf).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\1" + leaf + sibling).digest()
        node, last = node >> 1, last >> 1
    return leaf if last == 0 and index < size else None


# What a receipt consists of, and nothing else; a number stands for so many bytes as hexadecimal digits.
SCORE = "truthfulness|trustworthiness|justice|excellence|wisdom|compassion|patience|gratitude"
SHAPE = {
    "content": {"answer_digest": 32, "engine": str, "id": str, "issued_ms": int, "issuer": str,
                "model": {"digest": 32, "name": str}, "previous": 32, "query_digest": 32, "received_ms": int,
                "sampling": {"[a-z0-9_]{1,64}": str}, "scores": {SCORE: int}, "sequence": int, "version": int},
    "log": {"head": {"log_id": 16, "root": 32, "signature": 64, "size": int, "timestamp_ms": int},
            "index": int, "path": [32]},
    "openings": {"(answer|query)_salt": 32}, "signature": 64}


def require(value, shape, name="receipt"):
    good = type(value) is (type(shape) if isinstance(shape, (dict, list)) else shape if shape is int else str)
    if good and isinstance(shape, dict):
        plain = {key for key in shape if key.isidentifier() and key != "openings"}  # others are optional
        good = plain <= value.keys()
        for key in value:
            part = next((part for wanted, part in shape.items() if re.fullmatch(wanted, key)), None)
            require(value[key] if part else None, part or "", key)
    elif good and isinstance(shape, list):
        for element in value:
            require(element, shape[0], name)
    elif good and shape is int:
        good = 0 <= value < 2**53
    elif good and isinstance(shape, int):
        good = re.fullmatch("[0-9a-f]{%d}" % (2 * shape), value) is not None
    if not good:
        raise ValueError("'%s' is not as it should be" % name)


def read(text):
    """JSON with each key once and numbers in plain digits."""
    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key comes twice")
        return dict(pairs)

    def whole(digits):
        if not digits.isdigit():
            raise ValueError("%s is not a whole number in plain digits" % digits)
        return int(digits)
    return json.loads(text.decode(), object_pairs_hook=once, parse_int=whole, parse_float=whole, parse_constant=whole)


def check(receipt, key=None, answer=None, query=None, model=None, previous=None):
    """The reason why the receipt does not hold, or None. Texts are bytes, `model` is the SHA-256 of its file in
    hexadecimal, `previous` the receipt before."""
    require(receipt, SHAPE)
    content, log, signature = receipt["content"], receipt["log"], receipt["signature"]
    if content["version"] != 1 or not re.fullmatch("ed25519:[0-9a-f]{64}", content["issuer"]) or any(
            score > 10000 for score in content["scores"].values()):
        return "it is not of version 1"
    head, issuer = log["head"], bytes.fromhex(content["issuer"][8:])
    if not signature_holds(issuer, digest(b"receipt", canonical(content)), bytes.fromhex(signature)):
        return "the signature does not hold"
    if key is not None and content["issuer"] != key:
        return "it was signed by %s, not by the key you trust" % content["issuer"]
    signed = (bytes.fromhex(head["log_id"]) + head["size"].to_bytes(8, "little")
              + head["timestamp_ms"].to_bytes(8, "little") + bytes.fromhex(head["root"]))
    if not signature_holds(issuer, digest(b"tree-head", signed), bytes.fromhex(head["signature"])):
        return "the head of the log is not signed by the receipt's signer"
    leaf = hashlib.sha256(b"\0" + canonical({"content": content, "signature": signature})).digest()
    root = root_of(leaf, log["index"], head["size"], [bytes.fromhex(sibling) for sibling in log["path"]])
    if log["index"] != content["sequence"] or root is None or root.hex() != head["root"]:
        return "the log's head does not contain this receipt"
    for name, text in (("answer", answer), ("query", query)):
        salt = bytes.fromhex(receipt.get("openings", {}).get(name + "_salt", ""))
        if text is not None and not salt:
            return "it carries no opening of the %s" % name
        sized = b"".join(len(part).to_bytes(8, "big") + part for part in (salt, text or b""))
        if text is not None and digest(name.encode(), sized).hex() != content[name + "_digest"]:
            return "the %s is not the one that was signed" % name
    if model is not None and model != content["model"]["digest"]:
        return "another model answered"
    if previous is not None and (previous["content"]["sequence"] + 1 != content["sequence"] or
                                 digest(b"receipt", canonical(previous["content"])).hex() != content["previous"]):
        return "it does not follow the receipt that you named"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("receipt", type=argparse.FileType("rb"))
    parser.add_argument("--key", help="the signer you trust")
    for name in ("answer", "query", "model", "previous"):
        parser.add_argument("--" + name, type=argparse.FileType("rb"))
    given = vars(parser.parse_args())
    has = {name: file.read() for name, file in given.items() if name in ("answer", "query", "previous") and file}
    if given["model"]:
        has["model"] = hashlib.file_digest(given["model"], "sha256").hexdigest()
    try:
        if "previous" in has:
            has["previous"] = read(has["previous"])
            require(has["previous"], SHAPE)
        reason = check(read(given["receipt"].read()), given["key"], **has)
    except ValueError as error:
        reason = "it is not a receipt (%s)" % ascii(str(error))
    print("The receipt holds." if reason is None else "The receipt does not hold: %s." % reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
