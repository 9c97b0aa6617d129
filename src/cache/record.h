// How an entry is written outside this process: on disk, and in a shared cache.
//
//   record := "SVRC"  format:u16  0:u16  stamp:16  hash:16  created:i64  expires:i64
//             encoding_size:u64  value_size:u64  encoding  value  checksum:16
//
// Little-endian; times are Unix milliseconds; hashes low half first. The checksum is XXH3-128 of all
// that precedes it: it finds every accident (torn writes, bit rot, truncation), not a forger who can
// write to the store. The stamp says which runtime and model the answer is from.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cache/entry.h"

namespace sovereign::cache {

inline constexpr std::uint16_t kRecordFormat = 1;

// Of whom a stored answer is. Answers under another stamp are not answers.
class Stamp {
 public:
  Stamp() = default;
  // `runtime_version` changes when the same query may be answered otherwise; `model_digest` names the
  // model, or all models together, or is empty where every key holds the digest of its model.
  Stamp(std::string_view runtime_version, std::string_view model_digest);

  const Hash128& fingerprint() const { return fingerprint_; }
  friend bool operator==(const Stamp&, const Stamp&) = default;

 private:
  Hash128 fingerprint_;
};

std::size_t record_size(const Entry& entry);
std::string encode_record(const Entry& entry, const Stamp& stamp);

// Errors: corrupt (not a record, or damaged), unsupported (another format, or another stamp).
result<EntryPtr> decode_record(std::string_view record, const Stamp& stamp);

}  // namespace sovereign::cache
