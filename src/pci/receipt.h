// A receipt: who answered which query with what, by which model and settings, signed.
//
// Its content is canonical JSON (RFC 8785) of these members and no others:
//   answer_digest  salted digest of the answer, see salted_digest(); hexadecimal, as all bytes here
//   engine         the program's build
//   id             "r-", the sequence, "-", 32 random hexadecimal digits
//   issued_ms      when it was signed, ms since 1970-01-01 UTC
//   issuer         public key, "ed25519:" and hexadecimal
//   model          {"digest": SHA-256 of the model's file, "name": …}
//   previous       digest of the content of the receipt before it; zeros for the first
//   query_digest   as answer_digest
//   received_ms    when the query came in
//   sampling       {name: value, …}, every setting that changes the answer, "seed" among them; names are 1 to
//                  64 of a-z 0-9 _, values text
//   scores         {dimension: n, …} in 1/10,000; what nobody measured is not there
//   sequence       its index in the log
//   version        1
// What is signed is the digest of the content (purpose "receipt", version 1): the digest that the next
// receipt names as `previous`. The log's entry is the canonical JSON {"content": …, "signature": …}.
//
// Numbers that may have a fraction are text or scaled integers, so that a verifier needs no number
// formatting.
//
// A receipt shows nothing of the texts: their digests are salted with 32 random bytes each. Who was given the
// salts (the openings) and holds the text can show that it is the one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/tree_head.h"
#include "pci/envelope.h"

namespace sovereign::pci {

inline constexpr crypto::DigestDomain kReceiptDomain{"receipt", 1};

using Salt = std::array<std::byte, 32>;
enum class SaltedText { query, answer };

// Purpose "query" or "answer", version 1; content: salt and text, each preceded by its length in bytes, 8
// bytes, big-endian.
crypto::Digest salted_digest(SaltedText what, const Salt& salt, std::string_view text);

struct ReceiptContent {
  crypto::Digest answer_digest{};
  std::string engine;
  std::string id;
  std::uint64_t issued_ms = 0;
  crypto::PublicKey issuer{};
  crypto::Digest model_digest{};
  std::string model_name;
  crypto::Digest previous{};
  crypto::Digest query_digest{};
  std::uint64_t received_ms = 0;
  std::map<std::string, std::string> sampling;
  Scores scores = kNoScores;
  std::uint64_t sequence = 0;
};

struct SignedReceipt {
  ReceiptContent content;
  crypto::Signature signature{};
};

// One that was just signed, with what its content's one canonicalization gave.
struct FreshReceipt {
  SignedReceipt receipt;
  crypto::Digest digest{};  // digest_of(receipt.content)
  std::string entry;        // entry_text(receipt)
};

// Where it stands in the log, and the proof of it.
struct LogPosition {
  std::uint64_t index = 0;
  std::vector<crypto::Digest> path;  // RFC 9162 inclusion proof in the tree of head.size
  crypto::SignedTreeHead head;
};

struct Openings {
  std::optional<Salt> query_salt;
  std::optional<Salt> answer_salt;
};

// What a client holds: {"content", "log", "openings", "signature"}; the openings may be taken out.
struct ReceiptFile {
  SignedReceipt receipt;
  LogPosition position;
  Openings openings;
};

bool is_sampling_name(std::string_view name);

// Strings must be well-formed UTF-8, integers under 2^53, sampling's names as above (asserted).
std::string canonical_text(const ReceiptContent& content);
crypto::Digest digest_of(const ReceiptContent& content);
FreshReceipt sign_receipt(ReceiptContent content, const crypto::SigningKey& key);
bool signature_holds(const SignedReceipt& receipt);

// The entry whose leaf hash is in the log.
std::string entry_text(const SignedReceipt& receipt);
// Errors: corrupt, saying what is wrong; only the canonical spelling is accepted.
result<SignedReceipt> receipt_from_entry(std::string_view text);

std::string to_json(const ReceiptFile& file);
// Any JSON spelling is accepted; members missing, unknown or of the wrong form are errors
// (invalid_argument) that say which.
result<ReceiptFile> receipt_from_json(std::string_view text);

}  // namespace sovereign::pci
