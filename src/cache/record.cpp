#include "cache/record.h"

#include <bit>
#include <cstring>

#include "cache/key_encoder.h"

namespace sovereign::cache {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr char kMagic[4] = {'S', 'V', 'R', 'C'};

struct Header {
  char magic[4];
  std::uint16_t format;
  std::uint16_t zero;
  Hash128 stamp;
  Hash128 hash;
  std::int64_t created_ms;
  std::int64_t expires_ms;
  std::uint64_t encoding_size;
  std::uint64_t value_size;
};
static_assert(sizeof(Header) == 72, "the header has no padding");

constexpr std::size_t kFrame = sizeof(Header) + sizeof(Hash128);

WallTime from_ms(std::int64_t ms) { return WallTime(WallDuration(ms)); }

}  // namespace

Stamp::Stamp(std::string_view runtime_version, std::string_view model_digest) {
  KeyEncoder encoder;
  encoder.add_unsigned(KeyField::item, kRecordFormat);
  encoder.add_text(KeyField::item, runtime_version);
  encoder.add_text(KeyField::model_digest, model_digest);
  fingerprint_ = encoder.key().hash();
}

std::size_t record_size(const Entry& entry) {
  return kFrame + entry.encoding().size() + entry.value().size();
}

std::string encode_record(const Entry& entry, const Stamp& stamp) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.format = kRecordFormat;
  header.stamp = stamp.fingerprint();
  header.hash = entry.hash();
  header.created_ms = entry.created().time_since_epoch().count();
  header.expires_ms = entry.expires().time_since_epoch().count();
  header.encoding_size = entry.encoding().size();
  header.value_size = entry.value().size();

  std::string record;
  record.reserve(record_size(entry));
  record.append(reinterpret_cast<const char*>(&header), sizeof header);
  record.append(entry.encoding()).append(entry.value());
  const Hash128 checksum = hash128(record);
  record.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  return record;
}

result<EntryPtr> decode_record(std::string_view record, const Stamp& stamp) {
  Header header;
  if (record.size() < kFrame || record.substr(0, sizeof kMagic) != std::string_view(kMagic, sizeof kMagic)) {
    return fail(ErrorCode::corrupt, "This is not a cache record.");
  }
  const std::string_view body = record.substr(0, record.size() - sizeof(Hash128));
  Hash128 checksum;
  std::memcpy(&checksum, record.data() + body.size(), sizeof checksum);
  if (hash128(body) != checksum) return fail(ErrorCode::corrupt, "A cache record's checksum is wrong.");
  std::memcpy(&header, body.data(), sizeof header);
  if (header.format != kRecordFormat || header.stamp != stamp.fingerprint()) {
    return fail(ErrorCode::unsupported, "A cache record is from another version or model.");
  }
  const std::string_view texts = body.substr(sizeof header);
  if (header.encoding_size > texts.size() || header.value_size != texts.size() - header.encoding_size) {
    return fail(ErrorCode::corrupt, "A cache record's sizes contradict each other.");
  }
  const QueryKey key(header.hash, texts.substr(0, header.encoding_size));
  return Entry::make(key, texts.substr(header.encoding_size), from_ms(header.created_ms),
                     from_ms(header.expires_ms));
}

}  // namespace sovereign::cache
