#include "cache/key_encoder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "bench/allocation_counter.h"

namespace sovereign::cache {
namespace {

struct Field {
  std::uint16_t name = 0;
  std::variant<std::string, std::uint64_t, std::int64_t, double, bool, std::vector<Field>> body;

  friend bool operator==(const Field&, const Field&) = default;
};

void encode(KeyEncoder& encoder, const Field& field) {
  const auto name = static_cast<KeyField>(field.name);
  switch (field.body.index()) {
    case 0: encoder.add_text(name, std::get<0>(field.body)); break;
    case 1: encoder.add_unsigned(name, std::get<1>(field.body)); break;
    case 2: encoder.add_signed(name, std::get<2>(field.body)); break;
    case 3: encoder.add_real(name, std::get<3>(field.body)); break;
    case 4: encoder.add_flag(name, std::get<4>(field.body)); break;
    default:
      encoder.begin_list(name, std::get<5>(field.body).size());
      for (const Field& item : std::get<5>(field.body)) encode(encoder, item);
  }
}

// Decodes by the format's description in key_encoder.h, and by nothing else: that a decoder exists is
// what makes the encoding unambiguous.
class Decoder {
 public:
  explicit Decoder(std::string_view encoding) : rest_(encoding) {
    EXPECT_EQ(take(8), std::string_view("SVKEY\0\3\0", 8));
  }
  bool done() const { return rest_.empty(); }
  Field field() {
    const std::uint64_t header = word();
    const auto length = header >> 24;
    Field field{static_cast<std::uint16_t>(header & 0xffff), {}};
    switch (header >> 16 & 0xff) {
      case 0: field.body = std::string(take(length)); break;
      case 1: field.body = word(); break;
      case 2: field.body = std::bit_cast<std::int64_t>(word()); break;
      case 3: field.body = std::bit_cast<double>(word()); break;
      case 4: field.body = length == 1; break;
      case 6: field.body = std::uint64_t{length}; break;
      case 5: {
        std::vector<Field> items;
        for (std::uint64_t i = 0; i < length; ++i) items.push_back(this->field());
        field.body = std::move(items);
        break;
      }
      default: ADD_FAILURE() << "unknown type";
    }
    return field;
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    EXPECT_EQ(taken.size(), size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::uint64_t word() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(8);
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }
  std::string_view rest_;
};

rc::Gen<Field> arbitrary_field(int depth) {
  return rc::gen::exec([depth] {
    Field field{*rc::gen::inRange<std::uint16_t>(0, 20), {}};
    switch (*rc::gen::inRange(0, depth > 0 ? 7 : 6)) {
      case 0: field.body = *rc::gen::arbitrary<std::string>(); break;
      case 1:
        field.body = std::string(*rc::gen::inRange<std::size_t>(250, 600), *rc::gen::arbitrary<char>());
        break;
      case 2: field.body = *rc::gen::arbitrary<std::uint64_t>() >> *rc::gen::inRange(0, 64); break;
      case 3: field.body = *rc::gen::arbitrary<std::int64_t>(); break;
      case 4: field.body = static_cast<double>(*rc::gen::arbitrary<int>()) / 8; break;
      case 5: field.body = *rc::gen::arbitrary<bool>(); break;
      default: {
        std::vector<Field> items;
        const int count = *rc::gen::inRange(0, 4);
        for (int i = 0; i < count; ++i) items.push_back(*arbitrary_field(depth - 1));
        field.body = std::move(items);
      }
    }
    return field;
  });
}

RC_GTEST_PROP(KeyEncoder, AnEncodingSaysExactlyWhatWasEncoded, ()) {
  const auto fields = *rc::gen::container<std::vector<Field>>(arbitrary_field(2));
  KeyEncoder encoder;
  for (const Field& field : fields) encode(encoder, field);
  const std::string encoding = encoder.key().encoding();
  RC_ASSERT(encoding.size() == encoder.key().size());
  Decoder decoder(encoding);
  std::vector<Field> decoded;
  while (!decoder.done()) decoded.push_back(decoder.field());
  RC_ASSERT(decoded == fields);
}

RC_GTEST_PROP(KeyEncoder, HashAndMatchTellEncodingsApart, ()) {
  const auto a = *rc::gen::container<std::vector<Field>>(arbitrary_field(1));
  const auto b =
      *rc::gen::oneOf(rc::gen::just(a), rc::gen::container<std::vector<Field>>(arbitrary_field(1)));
  KeyEncoder first, second;
  for (const Field& field : a) encode(first, field);
  for (const Field& field : b) encode(second, field);
  const std::string encoding = second.key().encoding();
  RC_ASSERT((first.key().hash() == second.key().hash()) == (a == b));
  RC_ASSERT(first.key().matches(encoding) == (a == b));
}

TEST(KeyEncoder, TextsOfEveryLengthAreEncodedWhole) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += static_cast<char>('a' + i % 23);
  KeyEncoder encoder;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    encoder.add_text(KeyField::item, std::string_view(text).substr(0, size));
  }
  const std::string encoding = encoder.key().encoding();
  Decoder decoder(encoding);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    ASSERT_EQ(std::get<std::string>(decoder.field().body), text.substr(0, size));
  }
  EXPECT_TRUE(decoder.done());
  EXPECT_TRUE(encoder.key().matches(encoding));
}

TEST(KeyEncoder, NeighbouringTextsCannotTradeBytes) {
  std::set<std::string> encodings;
  for (std::size_t cut = 0; cut <= 6; ++cut) {
    const std::string text = "abcdef";
    KeyEncoder encoder;
    encoder.add_text(KeyField::content, text.substr(0, cut));
    encoder.add_text(KeyField::context, text.substr(cut));
    encodings.insert(encoder.key().encoding());
  }
  EXPECT_EQ(encodings.size(), 7u);
}

TEST(KeyEncoder, LongTextsMatchOnEveryByte) {
  std::string text(5000, 'x');
  KeyEncoder encoder;
  encoder.add_flag(KeyField::require_reasoning, true);
  encoder.add_text(KeyField::content, text);
  encoder.add_unsigned(KeyField::max_depth, 3);
  std::string encoding = encoder.key().encoding();
  EXPECT_TRUE(encoder.key().matches(encoding));
  for (const std::size_t at :
       {std::size_t{9}, std::size_t{17}, std::size_t{30}, std::size_t{4000}, encoding.size() - 1}) {
    encoding[at] = static_cast<char>(encoding[at] ^ 1);
    EXPECT_FALSE(encoder.key().matches(encoding)) << at;
    encoding[at] = static_cast<char>(encoding[at] ^ 1);
  }
  EXPECT_FALSE(encoder.key().matches(std::string_view(encoding).substr(1)));
  EXPECT_TRUE(QueryKey(encoder.key().hash(), encoding).matches(encoding));
}

TEST(KeyEncoder, RealsThatAreEqualEncodeEqually) {
  const auto encoding_of = [](double value) {
    KeyEncoder encoder;
    encoder.add_real(KeyField::sampling, value);
    return encoder.key().encoding();
  };
  EXPECT_EQ(encoding_of(0.0), encoding_of(-0.0));
  EXPECT_EQ(encoding_of(std::numeric_limits<double>::quiet_NaN()),
            encoding_of(-std::numeric_limits<double>::signaling_NaN()));
  EXPECT_NE(encoding_of(0.7), encoding_of(0.70000001));
}

TEST(KeyEncoder, TheFormatIsPinned) {
  KeyEncoder encoder;
  encoder.add_text(KeyField::content, "hello");
  encoder.add_unsigned(KeyField::max_depth, 2);
  const std::string prompt(400, 's');
  encoder.add_text(KeyField::system_prompt, prompt);
  // Changing this hash makes every stored answer unreachable: raise kVersion and say so.
  EXPECT_EQ(to_hex(encoder.key().hash()), "82b30b7e5dccc336b27c77a214b2a466");
}

TEST(KeyEncoder, RewindsToWhatEveryQueryShares) {
  const std::string long_text(300, 'p');
  KeyEncoder encoder;
  encoder.add_text(KeyField::model_digest, "digest");
  encoder.add_text(KeyField::system_prompt, long_text);
  const KeyEncoder::Mark mark = encoder.mark();
  encoder.add_text(KeyField::content, long_text);
  const Hash128 first = encoder.key().hash();
  encoder.rewind(mark);
  encoder.add_text(KeyField::content, "other");
  const Hash128 second = encoder.key().hash();
  KeyEncoder other;
  other.add_text(KeyField::model_digest, "digest");
  other.add_text(KeyField::system_prompt, long_text);
  other.add_text(KeyField::content, "other");
  EXPECT_EQ(second, other.key().hash());
  EXPECT_EQ(encoder.key().encoding(), other.key().encoding());
  encoder.rewind(mark);
  encoder.add_text(KeyField::content, long_text);
  EXPECT_EQ(encoder.key().hash(), first);
  EXPECT_NE(second, first);
  encoder.clear();
  EXPECT_EQ(encoder.key().hash(), KeyEncoder().key().hash());
}

TEST(KeyEncoder, ASealChangesNoEncodingAndHidesNothing) {
  const std::string long_text(300, 'p');
  const auto encode_all = [&](KeyEncoder& encoder, std::string_view model, bool sealed) {
    encoder.add_text(KeyField::model_digest, model);
    encoder.add_text(KeyField::system_prompt, long_text);
    if (sealed) encoder.seal();
    encoder.add_text(KeyField::content, "question");
  };
  KeyEncoder open, sealed, other;
  encode_all(open, "digest", false);
  encode_all(sealed, "digest", true);
  encode_all(other, "digesT", true);
  const std::string encoding = open.key().encoding();
  EXPECT_EQ(sealed.key().encoding(), encoding);
  EXPECT_EQ(sealed.key().size(), encoding.size());
  EXPECT_TRUE(sealed.key().matches(encoding));
  EXPECT_FALSE(other.key().matches(encoding));
  EXPECT_NE(other.key().hash(), sealed.key().hash());
}

TEST(KeyEncoder, RewindsToASeal) {
  KeyEncoder encoder;
  encoder.add_text(KeyField::model_digest, "digest");
  encoder.seal();
  const KeyEncoder::Mark mark = encoder.mark();
  encoder.add_text(KeyField::content, "first");
  const Hash128 first = encoder.key().hash();
  encoder.rewind(mark);
  encoder.add_text(KeyField::content, "second");
  EXPECT_NE(encoder.key().hash(), first);
  encoder.rewind(mark);
  encoder.add_text(KeyField::content, "first");
  EXPECT_EQ(encoder.key().hash(), first);
}

TEST(KeyEncoder, AUsedEncoderAllocatesNothing) {
  const std::string prompt(8000, 'q');
  KeyEncoder encoder;
  std::uint64_t sink = 0;
  std::uint64_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 1) before = bench::allocations_of_this_thread();
    encoder.clear();
    encoder.add_text(KeyField::content, prompt);
    encoder.add_unsigned(KeyField::seed, static_cast<std::uint64_t>(i));
    sink ^= encoder.key().hash().low;
  }
  EXPECT_EQ(bench::allocations_of_this_thread(), before);
  EXPECT_NE(sink, 0u);
}

}  // namespace
}  // namespace sovereign::cache
