// Where bytes are written in order: a string, a digest, a file.
//
// Writers collect small pieces before they call write(), so one virtual call carries kilobytes.
// Implementations need not be thread-safe; a sink serves one writer at a time.
#pragma once

#include <string>
#include <string_view>

namespace sovereign::crypto {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;
};

// Appends to a string that the caller owns and keeps alive.
class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string& out) : out_(out) {}
  void write(std::string_view bytes) override { out_.append(bytes); }

 private:
  std::string& out_;
};

}  // namespace sovereign::crypto
