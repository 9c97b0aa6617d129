// Numbers and texts one after the other, little-endian: what cached answers are written in.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace sovereign::runtime {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

class ByteWriter {
 public:
  template <class T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void text_or_none(const std::optional<std::string>& value) {
    number(static_cast<std::uint8_t>(value.has_value()));
    if (value) text(*value);
  }
  void real_or_none(const std::optional<double>& value) {
    number(static_cast<std::uint8_t>(value.has_value()));
    if (value) number(*value);
  }
  void raw(std::string_view bytes) { out_ += bytes; }
  // A section whose size becomes known at its end().
  std::size_t begin(std::uint8_t tag) {
    number(tag);
    number(std::uint32_t{0});
    return out_.size();
  }
  void end(std::size_t begun) {
    const auto size = static_cast<std::uint32_t>(out_.size() - begun);
    std::memcpy(out_.data() + begun - sizeof size, &size, sizeof size);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reading past the end gives zeros and sets bad().
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    const auto from = take(sizeof value);
    if (from.size() == sizeof value) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number<std::uint32_t>()); }
  std::optional<std::string> text_or_none() {
    if (number<std::uint8_t>() == 0) return std::nullopt;
    return std::string(text());
  }
  std::optional<double> real_or_none() {
    if (number<std::uint8_t>() == 0) return std::nullopt;
    return number<double>();
  }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      bad_ = true;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  bool empty() const { return bytes_.empty(); }
  bool bad() const { return bad_; }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

}  // namespace sovereign::runtime
