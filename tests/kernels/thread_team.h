// A team of std::threads, and a multiplication by one.
#pragma once

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "kernels/matmul.h"
#include "kernels/random_matrix.h"

namespace sovereign::kernels {

class ThreadTeam final : public Team {
 public:
  struct Shared {
    explicit Shared(std::size_t threads) : barrier(static_cast<std::ptrdiff_t>(threads)), size(threads) {}
    std::barrier<> barrier;
    std::atomic<std::size_t> next{0};
    std::size_t size;
  };

  ThreadTeam(Shared& shared, std::size_t index) : shared_(shared), index_(index) {}
  std::size_t index() const override { return index_; }
  std::size_t size() const override { return shared_.size; }
  void barrier() override { shared_.barrier.arrive_and_wait(); }
  void set_next(std::size_t value) override { shared_.next = value; }
  std::size_t take_next() override { return shared_.next++; }

 private:
  Shared& shared_;
  std::size_t index_;
};

inline void multiply_by_team(const KernelSet& kernels, const TestMatrix& matrix, const Columns& x,
                             const Columns& y, std::size_t threads) {
  std::vector<std::byte> scratch(scratch_bytes(matrix.k, x.total(), threads));
  const Matrix view{matrix.type, matrix.panels.data(), matrix.rows, matrix.k};
  ThreadTeam::Shared shared(threads);
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) {
    others.emplace_back([&, i] {
      ThreadTeam team(shared, i);
      multiply(kernels, view, x, y, scratch.data(), team);
    });
  }
  ThreadTeam team(shared, 0);
  multiply(kernels, view, x, y, scratch.data(), team);
  for (std::thread& other : others) other.join();
}

inline Columns dense(std::vector<float>& values, std::size_t length) {
  return {reinterpret_cast<std::byte*>(values.data()),
          {values.size() / length, 1, 1},
          {length * sizeof(float), 0, 0}};
}

inline std::vector<float> product(const KernelSet& kernels, const TestMatrix& matrix, std::vector<float> x,
                                  std::size_t threads = 1) {
  std::vector<float> y(x.size() / matrix.k * matrix.rows);
  multiply_by_team(kernels, matrix, dense(x, matrix.k), dense(y, matrix.rows), threads);
  return y;
}

}  // namespace sovereign::kernels
