#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "kernels/half.h"

namespace sovereign::kernels {
namespace {

constexpr Half kMasked = 0xFC00;

struct Shape {
  std::size_t key_size = 64, value_size = 64;
  std::size_t tokens = 1, heads = 9, key_heads = 3, cells = 100;
  std::size_t streams = 1;
};

// Finite, of magnitude 2^-8 to 4, both signs.
Half random_half(std::mt19937& random) {
  return static_cast<Half>((random() & 0x83FFU) | (7U + random() % 10U) << 10U);
}

// Tensors of a call, with everything visible until the mask is set.
class Data {
 public:
  explicit Data(const Shape& shape, std::uint32_t seed = 1) : shape_(shape) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    query_.resize(shape.tokens * shape.heads * shape.streams * shape.key_size);
    for (float& x : query_) x = normal(random);
    key_.resize(shape.cells * shape.key_heads * shape.streams * shape.key_size);
    for (Half& x : key_) x = random_half(random);
    value_.resize(shape.cells * shape.key_heads * shape.streams * shape.value_size);
    for (Half& x : value_) x = random_half(random);
    mask_.resize(shape.tokens * shape.cells * shape.streams);
    attention_.scale = 1 / std::sqrt(static_cast<float>(shape.key_size));
  }

  Attention& settings() { return attention_; }
  Half& mask(std::size_t token, std::size_t cell, std::size_t stream = 0) {
    return mask_[(stream * shape_.tokens + token) * shape_.cells + cell];
  }
  // Token t sees the cells up to cells - tokens + t.
  void make_causal() {
    for (std::size_t s = 0; s < shape_.streams; ++s) {
      for (std::size_t t = 0; t < shape_.tokens; ++t) {
        for (std::size_t c = shape_.cells - shape_.tokens + t + 1; c < shape_.cells; ++c)
          mask(t, c, s) = kMasked;
      }
    }
  }
  // Cell i moves to to[i], in all tensors.
  void move_cells(const std::vector<std::size_t>& to) {
    move(key_, shape_.key_size * shape_.key_heads, to);
    move(value_, shape_.value_size * shape_.key_heads, to);
    move(mask_, 1, to);
  }

  Attention attention(std::vector<float>& out) {
    const Shape& s = shape_;
    Attention a = attention_;
    a.key_size = s.key_size;
    a.value_size = s.value_size;
    a.tokens = s.tokens;
    a.heads = s.heads;
    a.key_heads = s.key_heads;
    a.cells = s.cells;
    a.streams = s.streams;
    // Query: head by head; keys and values: cell by cell; as llama.cpp has them.
    const std::size_t q = s.key_size * sizeof(float);
    a.query = {query_.data(), {q, q * s.tokens, q * s.tokens * s.heads}};
    const std::size_t k = s.key_size * sizeof(Half);
    a.key = {key_.data(), {k * s.key_heads, k, k * s.key_heads * s.cells}};
    const std::size_t v = s.value_size * sizeof(Half);
    a.value = {value_.data(), {v * s.key_heads, v, v * s.key_heads * s.cells}};
    const std::size_t m = s.cells * sizeof(Half);
    a.mask = {mask_.data(), {m, 0, m * s.tokens}};
    out.assign(s.tokens * s.heads * s.streams * s.value_size, NAN);
    const std::size_t o = s.value_size * sizeof(float);
    a.out = {out.data(), {o, o * s.heads, o * s.heads * s.tokens}};
    return a;
  }

  std::vector<float> run(const AttentionKernels& kernels, std::size_t threads = 1) {
    std::vector<float> out;
    const Attention a = attention(out);
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < threads; ++i) team.emplace_back([&, i] { attend(kernels, a, i, threads); });
    for (std::thread& each : team) each.join();
    return out;
  }

  // In F64, one row after the other. Without softcap, ALiBi, sinks.
  std::vector<double> exact() {
    std::vector<float> out;
    const Attention a = attention(out);
    std::vector<double> all(out.size());
    for (std::size_t s = 0; s < a.streams; ++s) {
      for (std::size_t t = 0; t < a.tokens; ++t) {
        for (std::size_t h = 0; h < a.heads; ++h) exact_row(a, t, h, s, all);
      }
    }
    return all;
  }

 private:
  void exact_row(const Attention& a, std::size_t t, std::size_t h, std::size_t s, std::vector<double>& all) {
    const std::size_t kv_head = h / (a.heads / a.key_heads);
    std::vector<double> scores(a.cells);
    for (std::size_t c = 0; c < a.cells; ++c) {
      for (std::size_t d = 0; d < a.key_size; ++d) {
        scores[c] += static_cast<double>(a.query.at(t, h, s)[d]) * half_to_float(a.key.at(c, kv_head, s)[d]);
      }
      scores[c] = scores[c] * a.scale + half_to_float(mask(t, c, s));
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - largest);
    double* row = all.data() + ((s * a.tokens + t) * a.heads + h) * a.value_size;
    for (std::size_t c = 0; c < a.cells; ++c) {
      for (std::size_t d = 0; d < a.value_size; ++d) {
        row[d] += scores[c] / total * half_to_float(a.value.at(c, kv_head, s)[d]);
      }
    }
  }

  template <class T>
  void move(std::vector<T>& tensor, std::size_t size, const std::vector<std::size_t>& to) {
    std::vector<T> moved = tensor;
    for (std::size_t i = 0; i * size < tensor.size(); ++i) {
      const std::size_t target = i / to.size() * to.size() + to[i % to.size()];
      std::copy_n(tensor.begin() + static_cast<std::ptrdiff_t>(i * size), size,
                  moved.begin() + static_cast<std::ptrdiff_t>(target * size));
    }
    tensor = moved;
  }

  Shape shape_;
  Attention attention_{};
  std::vector<float> query_;
  std::vector<Half> key_, value_, mask_;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<std::size_t> shuffled(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  return order;
}

const AttentionKernels& best() {
  return fast_attention() != nullptr ? *fast_attention() : reference_attention();
}

void expect_references_bits(Data& data, std::uint32_t seed) {
  const std::vector<float> expected = data.run(reference_attention());
  for (const AttentionKernels* kernels : supported_attention()) {
    EXPECT_TRUE(same_bits(data.run(*kernels), expected)) << kernels->name << ", seed " << seed;
    EXPECT_TRUE(same_bits(data.run(*kernels, 3), expected)) << kernels->name << " by three, seed " << seed;
  }
}

TEST(Attention, EveryInstructionSetGivesTheReferencesBits) {
  std::uint32_t seed = 0;
  for (const Shape& shape :
       {Shape{}, Shape{.tokens = 37, .cells = 61}, Shape{.tokens = 3, .streams = 2},
        Shape{.key_size = 80, .value_size = 40, .tokens = 5, .heads = 4, .key_heads = 4},
        Shape{.tokens = 70, .heads = 2, .key_heads = 1, .cells = 333},
        Shape{.key_size = 8, .value_size = 8, .cells = 1},
        Shape{.key_size = 128, .value_size = 128, .heads = 8, .key_heads = 1, .cells = 9}}) {
    Data data(shape, ++seed);
    if (shape.tokens <= shape.cells) data.make_causal();
    expect_references_bits(data, seed);
    const std::vector<float> sinks(shape.heads, 0.5F);
    data.settings().sinks = sinks.data();
    data.settings().max_bias = 8;
    data.mask(0, 0) = 0xC000;  // -2
    data.settings().logit_softcap = 3;
    expect_references_bits(data, seed);
  }
}

TEST(Attention, IsAsExactAsFloatsAre) {
  Data data({.tokens = 40, .cells = 700}, 3);
  data.make_causal();
  const std::vector<float> ours = data.run(best());
  const std::vector<double> exact = data.exact();
  double worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) worst = std::max(worst, std::abs(ours[i] - exact[i]));
  EXPECT_LT(worst, 2e-6);
}

// More heads for a key than rows that fit at once, and cells that end within a tile.
TEST(Attention, ManyHeadsShareAKeyOverManyCells) {
  Data data({.value_size = 8, .heads = 40, .key_heads = 1, .cells = 8'001}, 9);
  const std::vector<float> ours = data.run(best());
  const std::vector<double> exact = data.exact();
  double worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) worst = std::max(worst, std::abs(ours[i] - exact[i]));
  EXPECT_LT(worst, 2e-6);
}

TEST(Attention, ARowDoesNotDependOnWhereItsCellsAre) {
  Data data({.tokens = 33, .cells = 400}, 4);
  data.make_causal();
  const std::vector<float> in_order = data.run(best());
  data.move_cells(shuffled(400));
  EXPECT_TRUE(same_bits(data.run(best()), in_order));
}

TEST(Attention, ARowDoesNotDependOnTheOthersNorOnThreads) {
  constexpr std::size_t kTokens = 50;
  constexpr std::size_t kCells = 200;
  Data all({.tokens = kTokens, .cells = kCells}, 5);
  all.make_causal();
  // The last ten are another sequence's, and see every third cell.
  for (std::size_t t = 40; t < kTokens; ++t) {
    for (std::size_t c = 0; c < kCells; ++c) all.mask(t, c) = c % 3 == t % 3 ? Half{0} : kMasked;
  }
  const std::vector<float> whole = all.run(best());
  for (const std::size_t threads : {2, 3, 16})
    EXPECT_TRUE(same_bits(all.run(best(), threads), whole)) << threads;
  // One token at a time.
  std::vector<float> singly(whole.size(), NAN);
  std::vector<float> unused;
  for (std::size_t t = 0; t < kTokens; ++t) {
    Attention one = all.attention(unused);
    one.tokens = 1;
    one.query.data = one.query.at(t, 0, 0);
    one.mask.data = one.mask.at(t, 0, 0);
    one.out.data = singly.data() + t * one.heads * one.value_size;
    attend(best(), one, 0, 1);
  }
  EXPECT_TRUE(same_bits(singly, whole));
}

TEST(Attention, ARowThatSeesNothingIsZero) {
  Data data({.tokens = 2, .cells = 20});
  for (std::size_t c = 0; c < 20; ++c) data.mask(1, c) = kMasked;
  const std::vector<float> out = data.run(best());
  const std::size_t row = out.size() / 2;
  EXPECT_TRUE(
      std::all_of(out.begin() + static_cast<std::ptrdiff_t>(row), out.end(), [](float x) { return x == 0; }));
  EXPECT_TRUE(std::none_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(row),
                           [](float x) { return x == 0; }));
}

TEST(Attention, WithoutAMaskEverythingIsSeen) {
  Data data({.tokens = 30, .cells = 45}, 6);
  std::vector<float> out;
  Attention open = data.attention(out);
  open.mask.data = nullptr;
  attend(best(), open, 0, 1);
  EXPECT_TRUE(same_bits(out, data.run(best())));
}

TEST(Attention, BrokenNumbersBreakTheirRowOnly) {
  Data data({.tokens = 2, .heads = 1, .key_heads = 1, .cells = 20}, 8);
  const std::vector<float> clean = data.run(best());
  std::vector<float> out;
  Attention a = data.attention(out);
  const_cast<float*>(a.query.data)[0] = std::numeric_limits<float>::quiet_NaN();
  attend(best(), a, 0, 1);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[a.value_size], clean[a.value_size]);
}

}  // namespace
}  // namespace sovereign::kernels
