"""Receipts made by our library, judged by `sovereign verify` and by the verifier in examples/, which shares no
code with it: both must say the same of good ones and of every tampered one. And the keys that sign them.

SOVEREIGN_BIN: the program; RECEIPT_WRITER: tests/pci/receipt_writer.cpp.
"""
import copy
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
import ed25519  # noqa: E402
import verify_receipt  # noqa: E402

SOVEREIGN = os.environ["SOVEREIGN_BIN"]
COUNT = 5


def run(*arguments, text="", **options):
    return subprocess.run([str(a) for a in arguments], input=text, capture_output=True, text=True, **options)


def leaves(value, path=()):
    """Every number, string and hexadecimal digit's place in nested objects and arrays."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, path + (key,))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from leaves(part, path + (i,))
    else:
        yield path, value


class Receipts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)
        cls.key_file = cls.path / "k.key"
        made = run(SOVEREIGN, "keys", "new", cls.key_file)
        assert made.returncode == 0, made.stderr
        cls.key = made.stdout.strip()
        written = run(os.environ["RECEIPT_WRITER"], cls.path, cls.key_file, COUNT)
        assert written.returncode == 0, written.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def receipt(self, i):
        return json.loads((self.path / ("receipt-%d.json" % i)).read_text())

    def texts(self, i):
        return [(self.path / (name % i)).read_bytes() for name in ("answer-%d.txt", "query-%d.txt")]

    def verify(self, receipt, *arguments):
        return run(SOVEREIGN, "verify", "-", *arguments, text=json.dumps(receipt))

    def test_both_accept_what_was_issued(self):
        for i in range(COUNT):
            answer, query = self.texts(i)
            self.assertIsNone(verify_receipt.check(self.receipt(i), self.key, answer, query))
            files = ["--answer", self.path / ("answer-%d.txt" % i), "--query", self.path / ("query-%d.txt" % i)]
            if i:
                files += ["--previous", self.path / ("receipt-%d.json" % (i - 1))]
            for key in (self.key, self.key_file):
                output = self.verify(self.receipt(i), "--key", key, *files)
                self.assertEqual(output.returncode, 0, output.stdout + output.stderr)
                self.assertIn("The receipt holds", output.stdout)

    def test_both_refuse_any_changed_member(self):
        seed = random.randrange(2**32)
        rng = random.Random(seed)
        good = self.receipt(3)
        answer, query = self.texts(3)
        for path, value in leaves(good):
            bad = copy.deepcopy(good)
            at = bad
            for step in path[:-1]:
                at = at[step]
            if isinstance(value, int):
                at[path[-1]] = value + 1
            elif not value:
                at[path[-1]] = "x"
            else:
                i = rng.randrange(value.find(":") + 1, len(value))
                at[path[-1]] = value[:i] + ("0" if value[i] != "0" else "1") + value[i + 1:]
            where = "%s (seed %d)" % ("/".join(map(str, path)), seed)
            try:
                reason = verify_receipt.check(bad, self.key, answer, query)
            except (ValueError, KeyError, TypeError) as error:
                reason = str(error)
            self.assertIsNotNone(reason, where)
            output = self.verify(bad, "--key", self.key, "--answer", self.path / "answer-3.txt", "--query",
                                 self.path / "query-3.txt")
            self.assertEqual(output.returncode, 1, where + output.stdout)

    def refused_by_both(self, text, where):
        with self.assertRaises(ValueError, msg=where):
            reason = verify_receipt.check(verify_receipt.read(text.encode()), self.key)
            raise ValueError(reason) if reason else AssertionError("accepted: " + where)
        output = run(SOVEREIGN, "verify", "-", "--key", self.key, text=text)
        self.assertEqual(output.returncode, 1, where + output.stdout)

    def test_both_refuse_members_that_nobody_knows(self):
        good = self.receipt(3)
        objects = [(), ("content",), ("content", "model"), ("content", "scores"), ("log",), ("log", "head"), ("openings",)]
        for path in objects:
            bad = copy.deepcopy(good)
            at = bad
            for step in path:
                at = at[step]
            at["more"] = 1
            self.refused_by_both(json.dumps(bad), "a member more in /" + "/".join(path))
            for name in set(at) - {"more", "answer_salt", "query_salt", "openings"}:
                if path == ("content", "scores"):
                    continue
                less = copy.deepcopy(good)
                at = less
                for step in path:
                    at = at[step]
                del at[name]
                self.refused_by_both(json.dumps(less), "no %s in /%s" % (name, "/".join(path)))

    def test_both_refuse_other_spellings(self):
        good = self.receipt(3)
        text = json.dumps(good)
        self.assertEqual(self.verify(good).returncode, 0)
        for path, value in leaves(good):
            where = "/".join(map(str, path))
            at = copy.deepcopy(good)
            parent = at
            for step in path[:-1]:
                parent = parent[step]
            if isinstance(value, int):
                parent[path[-1]] = "@"
                for spelling in ("%d.0" % value, "%de0" % value, "%dE+0" % value, "-0", "true", '"%d"' % value):
                    self.refused_by_both(json.dumps(at).replace('"@"', spelling), where + " as " + spelling)
            elif path[-1] not in ("name", "engine", "id") and "sampling" not in path:
                for spelling in (value.upper(), value + " ", " " + value, value[:2] + " " + value[2:], "0x" + value):
                    if spelling != value:
                        parent[path[-1]] = spelling
                        self.refused_by_both(json.dumps(at), where + " as " + spelling)
        for twice in ('{"signature": "", ' + text[1:], text.replace('"index":', '"index": 0, "index":'),
                      text.replace('"name":', '"name": "x", "n\\u0061me":')):
            self.refused_by_both(twice, "a key twice")
        self.refused_by_both("\ufeff" + text, "a byte-order mark")
        self.refused_by_both(text + " {}", "two values")

    def signed_head(self, size, index, path, root_of):
        """A receipt whose signer, ours, signed a head that nobody honest would; root_of gives its root from the leaf."""
        seed = bytes(range(32))
        receipt = self.receipt(0)
        content, head = receipt["content"], receipt["log"]["head"]
        content.update(issuer="ed25519:" + ed25519.public_key(seed).hex(), sequence=index)
        digest, canonical = verify_receipt.digest, verify_receipt.canonical
        receipt["signature"] = ed25519.sign(seed, digest(b"receipt", canonical(content))).hex()
        entry = canonical({"content": content, "signature": receipt["signature"]})
        root = root_of(hashlib.sha256(b"\0" + entry).digest())
        signed = (bytes.fromhex(head["log_id"]) + size.to_bytes(8, "little")
                  + head["timestamp_ms"].to_bytes(8, "little") + root)
        head.update(size=size, root=root.hex(), signature=ed25519.sign(seed, digest(b"tree-head", signed)).hex())
        receipt["log"].update(index=index, path=[part.hex() for part in path])
        return json.dumps(receipt)

    # A path that goes on above the root (RFC 9162, 2.1.3.2: 'if sn is 0, fail'), ends below it, or is of a receipt
    # past the end.
    def test_both_refuse_paths_of_another_length(self):
        a, b = bytes(32), bytes([1]) * 32

        def over(left, right):
            return hashlib.sha256(b"\1" + left + right).digest()
        good = {"one": (1, 0, [], lambda leaf: leaf), "first of two": (2, 0, [a], lambda leaf: over(leaf, a)),
                "second of two": (2, 1, [a], lambda leaf: over(a, leaf)),
                "third of three": (3, 2, [a], lambda leaf: over(a, leaf)),
                "second of three": (3, 1, [a, b], lambda leaf: over(over(a, leaf), b))}
        for where, parts in good.items():
            text = self.signed_head(*parts)
            self.assertIsNone(verify_receipt.check(verify_receipt.read(text.encode())), where)
            output = run(SOVEREIGN, "verify", "-", text=text)
            self.assertEqual(output.returncode, 0, where + output.stdout)
        bad = {"above one": (1, 0, [a], lambda leaf: over(a, leaf)),
               "above one, from the left": (1, 0, [a], lambda leaf: over(leaf, a)),
               "above two": (2, 1, [a, b], lambda leaf: over(b, over(a, leaf))),
               "below two": (2, 0, [], lambda leaf: leaf), "none of none": (0, 0, [], lambda leaf: leaf),
               "past one": (1, 1, [], lambda leaf: leaf), "past two": (2, 2, [a], lambda leaf: over(a, leaf)),
               "past three": (3, 3, [a, b], lambda leaf: over(a, over(b, leaf)))}
        for where, parts in bad.items():
            text = self.signed_head(*parts)
            reason = verify_receipt.check(verify_receipt.read(text.encode()))
            self.assertEqual(reason, "the log's head does not contain this receipt", where)
            output = run(SOVEREIGN, "verify", "-", text=text)
            self.assertEqual(output.returncode, 1, where + output.stdout)
            self.assertIn("FAIL log_entry", output.stdout)

    def test_the_receipt_before_and_the_model(self):
        self.assertIsNone(verify_receipt.check(self.receipt(2), previous=self.receipt(1)))
        self.assertIn("follow", verify_receipt.check(self.receipt(3), previous=self.receipt(1)))
        digest = self.receipt(2)["content"]["model"]["digest"]
        self.assertIsNone(verify_receipt.check(self.receipt(2), model=digest))
        self.assertIn("another model", verify_receipt.check(self.receipt(2), model="0" * 64))

    def test_a_terminal_is_not_steered_by_a_receipt(self):
        # The signature does not hold; what the receipt says may not hide that.
        bad = self.receipt(2)
        bad["content"]["model"]["name"] = "x\x1b[2J\r\u009b1A\u202e ok"
        bad["content"]["engine"] = "\x1b]0;title\x07"
        bad["content"]["sampling"]["\x1b[8m"] = "y"
        for receipt in (bad, {**bad, "content": {**bad["content"], "sampling": {}}}):
            output = self.verify(receipt, "--model", __file__)
            self.assertEqual(output.returncode, 1)
            told = output.stdout + output.stderr
            self.assertFalse([c for c in told if c != "\n" and (c < " " or "\x7f" <= c < "\xa0" or c == "\u202e")], told)
        self.assertIn("FAIL signature", output.stdout)
        self.assertIn("x\\x1b[2J\\x0d\\u009b1A\\u202e ok", output.stdout)

    def test_other_texts_and_keys_are_refused_with_a_reason(self):
        good = self.receipt(2)
        self.assertIn("answer", verify_receipt.check(good, answer=b"another"))
        output = self.verify(good, "--answer", self.path / "answer-1.txt")
        self.assertEqual(output.returncode, 1)
        self.assertIn("The answer is not the one that was signed", output.stdout)
        other = "ed25519:" + "0" * 64
        self.assertIn("not by the key you trust", verify_receipt.check(good, other))
        output = self.verify(good, "--key", other)
        self.assertEqual(output.returncode, 1)
        self.assertIn("not by the key you trust", output.stdout)
        del good["openings"]
        self.assertIsNone(verify_receipt.check(good, self.key))
        self.assertEqual(self.verify(good).returncode, 0)
        self.assertIn("opening", verify_receipt.check(good, answer=b"another"))

    def test_the_example_as_a_program(self):
        script = EXAMPLES / "verify_receipt.py"
        receipt = self.path / "receipt-1.json"
        good = run(sys.executable, script, receipt, "--key", self.key, "--answer", self.path / "answer-1.txt")
        self.assertEqual((good.returncode, good.stdout), (0, "The receipt holds.\n"), good.stderr)
        bad = run(sys.executable, script, receipt, "--answer", self.path / "answer-2.txt")
        self.assertEqual(bad.returncode, 1)
        none = run(sys.executable, script, self.path / "answer-1.txt")
        self.assertEqual(none.returncode, 1)
        self.assertIn("not a receipt", none.stdout)
        other = self.path / "other.json"
        for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "9" * 100_000,
                     '"\\ud800"', "null", "{}", "[]", "\udcff"):
            other.write_text(text, errors="surrogateescape")
            for arguments in ([other], [receipt, "--previous", other]):
                refused = run(sys.executable, script, *arguments)
                self.assertEqual((refused.returncode, refused.stderr), (1, ""), text[:10])
                self.assertIn("not a receipt", refused.stdout)

    def test_the_log_is_checked_byte_by_byte(self):
        output = run(SOVEREIGN, "verify", "--log", self.path / "log", "--key", self.key)
        self.assertEqual(output.returncode, 0, output.stderr)
        self.assertIn("%d receipts" % COUNT, output.stdout)
        lines = self.path / "log" / "receipts.jsonl"
        good = lines.read_bytes()
        try:
            lines.write_bytes(good.replace(b"0.7", b"0.8", 1))
            output = run(SOVEREIGN, "verify", "--log", self.path / "log")
            self.assertEqual(output.returncode, 1)
            self.assertIn("damaged", output.stderr)
        finally:
            lines.write_bytes(good)

    def test_a_log_that_was_cut_back_shows_against_a_receipt(self):
        receipt, log = self.path / ("receipt-%d.json" % (COUNT - 1)), self.path / "log"
        good = run(SOVEREIGN, "verify", receipt, "--log", log, "--key", self.key)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertIn("ok   log_root", good.stdout)
        # Another log of the same key, whole in itself: begun before the receipt, and then gone on otherwise.
        shorter = self.path / "shorter"
        shutil.copytree(log, shorter)
        for name, keep in (("heads", 112), ("tree", 64), ("offsets", 0), ("receipts.jsonl", 0)):
            os.truncate(shorter / name, keep)
        self.assertEqual(run(SOVEREIGN, "verify", "--log", shorter).returncode, 0, "nothing shows in itself")
        cut = run(SOVEREIGN, "verify", receipt, "--log", shorter)
        self.assertEqual(cut.returncode, 1)
        self.assertIn("cut back", cut.stdout)
        other = self.path / "other"
        other.mkdir()
        run(os.environ["RECEIPT_WRITER"], other, self.key_file, COUNT)
        rewritten = run(SOVEREIGN, "verify", receipt, "--log", other / "log")
        self.assertEqual(rewritten.returncode, 1)
        self.assertIn("another id", rewritten.stdout)
        self.assertIn("another receipt as number %d" % (COUNT - 1), rewritten.stdout)

    def test_what_is_no_receipt_or_no_file_is_an_error(self):
        self.assertEqual(run(SOVEREIGN, "verify", self.path / "none.json").returncode, 1)
        self.assertIn("is not a receipt", run(SOVEREIGN, "verify", self.path / "answer-1.txt").stderr)
        self.assertEqual(run(SOVEREIGN, "verify").returncode, 2)
        self.assertEqual(run(SOVEREIGN, "verify", "a", "--log", "b").returncode, 1)
        self.assertEqual(run(SOVEREIGN, "verify", "--log", self.path).returncode, 1)


class Keys(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)

    def test_new_show_export(self):
        file = self.path / "a.key"
        made = run(SOVEREIGN, "keys", "new", file)
        self.assertEqual(made.returncode, 0, made.stderr)
        key = made.stdout.strip()
        self.assertRegex(key, "^ed25519:[0-9a-f]{64}$")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        shown = run(SOVEREIGN, "keys", "show", file).stdout
        self.assertIn(key, shown)
        self.assertIn("passphrase: no", shown)
        self.assertEqual(run(SOVEREIGN, "keys", "export", file).stdout.strip(), key)
        self.assertEqual("ed25519:" + run(SOVEREIGN, "keys", "export", file, "--format", "hex").stdout.strip(), key)
        # OpenSSL reads the PEM, and finds the same 32 bytes in it.
        pem = run(SOVEREIGN, "keys", "export", file, "--format", "pem").stdout
        text = run("openssl", "pkey", "-pubin", "-noout", "-text", text=pem)
        self.assertEqual(text.returncode, 0, text.stderr)
        digits = "".join(text.stdout.split("pub:")[1].split()).replace(":", "")
        self.assertEqual("ed25519:" + digits, key)
        # The secret is in none of these outputs.
        secret = file.read_bytes()[104:136].hex()
        for output in (made.stdout + made.stderr, shown, pem):
            self.assertNotIn(secret, output)

    def test_a_key_is_never_overwritten_and_others_may_not_read_it(self):
        file = self.path / "a.key"
        run(SOVEREIGN, "keys", "new", file)
        before = file.read_bytes()
        again = run(SOVEREIGN, "keys", "new", file)
        self.assertEqual(again.returncode, 1)
        self.assertIn("never overwritten", again.stderr)
        self.assertEqual(file.read_bytes(), before)
        file.chmod(0o640)
        for command in ("show", "export"):
            refused = run(SOVEREIGN, "keys", command, file)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("chmod 600", refused.stderr)

    def test_a_passphrase_from_a_pipe(self):
        file = self.path / "a.key"
        made = run(SOVEREIGN, "keys", "new", file, "--passphrase", text="correct horse\n")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("passphrase: yes", run(SOVEREIGN, "keys", "show", file).stdout)
        self.assertNotIn("correct horse", made.stdout + made.stderr)
        empty = run(SOVEREIGN, "keys", "new", self.path / "b.key", "--passphrase", text="\n")
        self.assertEqual(empty.returncode, 1)
        self.assertFalse((self.path / "b.key").exists())

    def test_the_default_file_is_in_the_configuration_folder(self):
        environment = dict(os.environ, XDG_CONFIG_HOME=str(self.path))
        made = run(SOVEREIGN, "keys", "new", env=environment)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue((self.path / "sovereign" / "signing.key").exists())
        self.assertEqual(run(SOVEREIGN, "keys", "export", env=environment).stdout, made.stdout)


if __name__ == "__main__":
    unittest.main()
