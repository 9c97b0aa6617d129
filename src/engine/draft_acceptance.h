// How often drafts turn out right, and so when to make them: the memory behind the draft length.
//
// A draft's chance depends on why it was made, which its maker says as a class: how far back a lookup agrees,
// say. For each sequence and class this keeps how many of the tokens that were looked at were right, old ones
// counting less and less; the engine's own record over all sequences stands in until a sequence has one.
//
// Pure; not thread-safe.
#pragma once

#include <array>
#include <cstdint>

namespace sovereign::engine {

inline constexpr std::uint32_t kDraftClasses = 6;

// Tokens that were right and wrong, each record weighing `decay` of the one after it.
struct AcceptanceRecord {
  double right = 0;
  double wrong = 0;

  void observe(std::uint32_t drafted, std::uint32_t accepted, double decay) {
    // Only the first wrong token of a draft was looked at: those behind it stood on a false beginning.
    right = right * decay + accepted;
    wrong = wrong * decay + (accepted < drafted ? 1 : 0);
  }
  // The chance that a token is right when all before it were; `prior` counts as `weight` tokens.
  double chance(double prior, double weight) const {
    return (right + prior * weight) / (right + wrong + weight);
  }
};

// The record of all sequences together.
class DraftExperience {
 public:
  double chance(std::uint32_t draft_class) const;
  void observe(std::uint32_t draft_class, std::uint32_t drafted, std::uint32_t accepted);

 private:
  std::array<AcceptanceRecord, kDraftClasses> records_;
};

// The record of one sequence. When its drafts stop paying it makes none, but for a probe of one token
// now and then, since a text that was free may begin to quote: after 16 chances not taken, after 32 when that
// probe failed, and so on up to 256. A probe that was right is followed by another at the next chance.
class DraftAcceptance {
 public:
  static constexpr std::uint32_t kFirstProbe = 16;
  static constexpr std::uint32_t kRarestProbe = 256;

  double chance(std::uint32_t draft_class, const DraftExperience& all) const;
  void observe(std::uint32_t draft_class, std::uint32_t drafted, std::uint32_t accepted);

  // There was a draft to be had and it was thought not to pay. True: make one of one token nevertheless.
  bool skip(std::uint32_t draft_class);

 private:
  struct Class {
    AcceptanceRecord record;
    std::uint32_t skipped = 0;
    std::uint32_t probe_after = kFirstProbe;
  };
  std::array<Class, kDraftClasses> classes_;
};

}  // namespace sovereign::engine
