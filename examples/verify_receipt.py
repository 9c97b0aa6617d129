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

# The canonical text of a receipt, as a regular expression: N a number, S a string, H32 so many bytes in hexadecimal.
FORM = (r'{"content":{"answer_digest":"H32","engine":S,"id":S,"issued_ms":N,"issuer":"ed25519:H32",'
        r'"model":{"digest":"H32","name":S},"previous":"H32","query_digest":"H32","received_ms":N,'
        r'"sampling":{("[a-z0-9_]{1,64}":S,?)*},"scores":{("(truthfulness|trustworthiness|justice|excellence|wisdom|'
        r'compassion|patience|gratitude)":([0-9]{1,4}|10000),?)*},"sequence":N,"version":1},'
        r'"log":{"head":{"log_id":"H16","root":"H32","signature":"H64","size":N,"timestamp_ms":N},"index":N,'
        r'"path":\[("H32",?)*\]},("openings":{("(answer|query)_salt":"H32",?)*},)?"signature":"H64"}')
FORM = re.sub("H([0-9]+)", lambda size: "[0-9a-f]{%d}" % (2 * int(size[1])), FORM)
FORM = re.compile(FORM.replace("N", "[0-9]{1,16}").replace("S", r'"([^"\\]|\\.)*"'))


def digest(purpose, content):
    return hashlib.sha256(b"sovereign/" + purpose + b"/v1\0" + content).digest()


def canonical(value):  # receipts hold no fractions and only ASCII keys, so this is RFC 8785
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_of(leaf, index, size, path):  # RFC 9162, 2.1.3, from the root down
    if size < 2 or not path:
        return leaf if (index, size, path) == (0, 1, []) else None
    half = 1 << (size - 1).bit_length() - 1
    left = index < half
    node = root_of(leaf, index if left else index - half, half if left else size - half, path[:-1])
    return node and hashlib.sha256(b"\1" + (node + path[-1] if left else path[-1] + node)).digest()


def require(receipt):
    if not FORM.fullmatch(canonical(receipt).decode()):
        raise ValueError("its members are not those of a receipt")


def read(text):
    """A receipt from JSON in which each key comes once and a number is digits alone."""
    def once(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key comes twice")
        return dict(pairs)

    def whole(digits):
        if not digits.isdigit() or len(digits) > 16 or int(digits) >= 2**53:
            raise ValueError("%s is not a whole number under 2^53 in plain digits" % digits[:40])
        return int(digits)
    receipt = json.loads(text.decode(), object_pairs_hook=once, parse_int=whole, parse_float=whole, parse_constant=whole)
    require(receipt)
    return receipt


def check(receipt, key=None, answer=None, query=None, model=None, previous=None):
    """The reason why the receipt does not hold, or None. Texts are bytes, `model` is the SHA-256 of its file in
    hexadecimal, `previous` the receipt before."""
    require(receipt)
    require(receipt if previous is None else previous)
    content, log, signature = receipt["content"], receipt["log"], receipt["signature"]
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
    has = {name: given[name].read() for name in ("answer", "query") if given[name]}
    try:
        if given["model"]:
            has["model"] = hashlib.file_digest(given["model"], "sha256").hexdigest()
        if given["previous"]:
            has["previous"] = read(given["previous"].read())
        reason = check(read(given["receipt"].read()), given["key"], **has)
    except (ValueError, RecursionError) as error:
        reason = "it is not a receipt (%s)" % ascii(str(error))
    print("The receipt holds." if reason is None else "The receipt does not hold: %s." % reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
