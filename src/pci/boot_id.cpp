#include "pci/boot_id.h"

#include <charconv>
#include <fstream>
#include <string>

namespace sovereign::pci {

result<BootId> machine_boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string text;
  std::getline(in, text);
  std::erase(text, '-');
  BootId id;
  if (text.size() != 2 * id.size())
    return fail(ErrorCode::unsupported, "this system has no boot id (/proc/sys/kernel/random/boot_id)");
  for (std::size_t i = 0; i < id.size(); ++i) {
    unsigned value = 0;
    const char* first = text.data() + 2 * i;
    if (std::from_chars(first, first + 2, value, 16).ptr != first + 2)
      return fail(ErrorCode::unsupported, "this system's boot id is not hexadecimal");
    id[i] = static_cast<std::byte>(value);
  }
  return id;
}

}  // namespace sovereign::pci
