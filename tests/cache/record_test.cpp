#include "cache/record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cache_support.h"

namespace sovereign::cache {
namespace {

RC_GTEST_PROP(Record, GoesThereAndBack, ()) {
  const auto encoding = *rc::gen::arbitrary<std::string>();
  const auto value = *rc::gen::arbitrary<std::string>();
  const auto created = *rc::gen::arbitrary<std::int64_t>();
  const auto expires = *rc::gen::arbitrary<std::int64_t>();
  const Stamp stamp("1.0", "model");
  const EntryPtr entry = Entry::make(key_of(encoding), value, at_ms(created), at_ms(expires));
  const std::string record = encode_record(*entry, stamp);
  RC_ASSERT(record.size() == record_size(*entry));
  const auto decoded = decode_record(record, stamp);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT((*decoded)->hash() == entry->hash());
  RC_ASSERT((*decoded)->encoding() == encoding);
  RC_ASSERT((*decoded)->value() == value);
  RC_ASSERT((*decoded)->created() == at_ms(created));
  RC_ASSERT((*decoded)->expires() == at_ms(expires));
}

TEST(Record, EveryDamageIsFound) {
  const Stamp stamp("1.0", "model");
  const std::string record = encode_record(*entry_of(1, "some value"), stamp);
  for (std::size_t at = 0; at < record.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = record;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      ASSERT_FALSE(decode_record(damaged, stamp).has_value()) << "byte " << at << " bit " << bit;
    }
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    ASSERT_EQ(decode_record(record.substr(0, size), stamp).error().code, ErrorCode::corrupt);
  }
  EXPECT_FALSE(decode_record(record + 'x', stamp).has_value());
}

TEST(Record, AnotherVersionOrModelIsUnsupported) {
  const std::string record = encode_record(*entry_of(1, "v"), Stamp("1.0", "model"));
  EXPECT_EQ(decode_record(record, Stamp("1.1", "model")).error().code, ErrorCode::unsupported);
  EXPECT_EQ(decode_record(record, Stamp("1.0", "other")).error().code, ErrorCode::unsupported);
  EXPECT_NE(Stamp("ab", "c"), Stamp("a", "bc"));
}

}  // namespace
}  // namespace sovereign::cache
