// Any bytes as an envelope, as a receipt and as an entry of a receipt log: never a crash; what is accepted is
// written back as it was read, and holds only with a signature.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pci/envelope.h"
#include "pci/receipt_verifier.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sovereign;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = pci::EnvelopeView::read(bytes)) {
    require(!envelope->sender().empty() && envelope->timestamp_ms() < pci::kTimestampEndMs);
    require(envelope->payload().size() + pci::kEnvelopeHeaderBytes + pci::kSignatureBytes == size);
    (void)envelope->digest();
  }
  if (const auto file = pci::receipt_from_json(bytes)) {
    const std::string json = pci::to_json(*file);
    const auto again = pci::receipt_from_json(json);
    require(again && pci::to_json(*again) == json);
    const auto entry = pci::receipt_from_entry(pci::entry_text(file->receipt));
    require(entry && pci::digest_of(entry->content) == pci::digest_of(file->receipt.content));
    (void)pci::verify_receipt(*file, {.query = "q", .answer = "a"});
  }
  if (const auto entry = pci::receipt_from_entry(bytes)) require(pci::entry_text(*entry) == bytes);
  return 0;
}
