// Why an envelope was refused. Names and numbers are part of the protocol: they never change meaning, and
// new ones are added at the end. docs/proof.md explains each to a sender.
#pragma once

#include <cstdint>
#include <string_view>

namespace sovereign::pci {

enum class RejectCode : std::uint8_t {
  none = 0,                      // admitted
  schema = 1,                    // not an envelope of this version, byte for byte
  rate_limited = 2,              // the client sends too much; try later
  nonce_replay = 3,              // this key has used this nonce
  timestamp_stale = 4,           // older than the window, or than what the replay store still remembers
  timestamp_future = 5,          // too far ahead of our clock
  policy_mismatch = 6,           // another policy, an unknown sender, or a kind of payload that is not served
  signature = 7,                 // the signature does not hold
  ihsan_below_min = 8,           // the scores are missing or under the threshold
  replay_store_full = 9,         // no room to remember the nonce; try later
  replay_store_unavailable = 10  // the nonce could not be made durable; try later
};

inline constexpr std::size_t kRejectCodes = 11;

// "REJECT_SCHEMA" and so on; "ADMITTED" for none.
std::string_view to_string(RejectCode code);

}  // namespace sovereign::pci
