#include "kernels/ggml_weights.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu-impl.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <sys/mman.h>
#include <traits.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "kernels/matmul.h"
#include "kernels/pack_parallel.h"
#include "kernels/panels.h"
#include "kernels/thread_order.h"

namespace sovereign::kernels {
namespace {

thread_local const KernelSet* offered = nullptr;
thread_local std::size_t bytes_offered = 0;  // panels that this thread's offer led to
std::atomic<std::size_t> bytes_in_use{0};

std::optional<WeightType> weight_type(const ggml_tensor& tensor) {
  switch (tensor.type) {
    case GGML_TYPE_Q4_0: return WeightType::q4_0;
    case GGML_TYPE_Q4_1: return WeightType::q4_1;
    case GGML_TYPE_Q8_0: return WeightType::q8_0;
    case GGML_TYPE_Q4_K: return WeightType::q4_k;
    case GGML_TYPE_Q5_K: return WeightType::q5_k;
    case GGML_TYPE_Q6_K: return WeightType::q6_k;
    default: return std::nullopt;
  }
}

std::size_t extent(const ggml_tensor& tensor, int dimension) {
  return static_cast<std::size_t>(tensor.ne[dimension]);
}

bool is_our_matrix(const ggml_tensor& tensor) {
  const auto type = weight_type(tensor);
  return type && tensor.ne[2] == 1 && tensor.ne[3] == 1 && tensor.view_src == nullptr &&
         ggml_is_contiguous(&tensor) && extent(tensor, 0) % inputs_per_block(*type) == 0;
}

class GgmlTeam final : public Team {
 public:
  explicit GgmlTeam(const ggml_compute_params& params) : params_(params) {}
  std::size_t index() const override { return static_cast<std::size_t>(params_.ith); }
  std::size_t size() const override { return static_cast<std::size_t>(params_.nth); }
  void barrier() override {
    order_.release();
    ggml_barrier(params_.threadpool);
    order_.acquire();
  }
  void set_next(std::size_t value) override {
    ggml_threadpool_chunk_set(params_.threadpool, static_cast<int>(value));
  }
  std::size_t take_next() override {
    return static_cast<std::size_t>(ggml_threadpool_chunk_add(params_.threadpool, 1));
  }

 private:
  const ggml_compute_params& params_;
  ThreadOrder order_;
};

Columns columns_of(const ggml_tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data),
          {extent(tensor, 1), extent(tensor, 2), extent(tensor, 3)},
          {tensor.nb[1], tensor.nb[2], tensor.nb[3]}};
}

class Multiplication final : public ggml::cpu::tensor_traits {
 public:
  Multiplication(const KernelSet& kernels, WeightType type) : kernels_(kernels), type_(type) {}

  bool work_size(int threads, const ggml_tensor* op, std::size_t& size) override {
    if (op->op != GGML_OP_MUL_MAT) return false;
    const Columns x = columns_of(*op->src[1]);
    size = scratch_bytes(extent(*op->src[1], 0), x.total(), static_cast<std::size_t>(threads));
    return true;
  }

  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override {
    if (op->op != GGML_OP_MUL_MAT) return false;
    const ggml_tensor& weights = *op->src[0];
    const ggml_tensor& input = *op->src[1];
    GGML_ASSERT(input.type == GGML_TYPE_F32 && input.nb[0] == sizeof(float));
    GGML_ASSERT(op->type == GGML_TYPE_F32 && op->nb[0] == sizeof(float));
    GGML_ASSERT(input.ne[0] == weights.ne[0] && op->ne[0] == weights.ne[1]);
    if (ggml_is_empty(op)) return true;
    const Matrix matrix{type_, static_cast<const std::byte*>(weights.data), extent(weights, 1),
                        extent(weights, 0)};
    GgmlTeam team(*params);
    multiply(kernels_, matrix, columns_of(input), columns_of(*op), static_cast<std::byte*>(params->wdata),
             team);
    return true;
  }

  void pack(const ggml_tensor& tensor, const void* matrix) const {
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(matrix), ggml_nbytes(&tensor));
    pack_parallel(type_, bytes, extent(tensor, 1), extent(tensor, 0), static_cast<std::byte*>(tensor.data));
  }

 private:
  const KernelSet& kernels_;
  WeightType type_;
};

// One for each kernel set and type; tensors point at them for as long as the process lives.
Multiplication* multiplication(const KernelSet& kernels, WeightType type) {
  constexpr std::size_t kTypes = std::size(kWeightTypes);
  static const auto* const all = [] {
    auto* list = new std::vector<Multiplication>;
    for (const KernelSet* set : supported_kernels()) {
      for (const WeightType each : kWeightTypes) list->emplace_back(*set, each);
    }
    return list;
  }();
  const auto sets = supported_kernels();
  const auto set = static_cast<std::size_t>(std::find(sets.begin(), sets.end(), &kernels) - sets.begin());
  assert(set < sets.size());
  return const_cast<Multiplication*>(&(*all)[set * kTypes + static_cast<std::size_t>(type)]);
}

ggml_backend_buffer_type_t panel_buffer_type();

class PanelBuffers final : public ggml::cpu::extra_buffer_type {
 public:
  bool supports_op(ggml_backend_dev_t /*device*/, const ggml_tensor* op) override {
    if (op->op != GGML_OP_MUL_MAT || !is_ours(*op) || !is_our_matrix(*op->src[0])) return false;
    // llama.cpp asks with an empty buffer where a weight should go; later, with the real one, whether the
    // graph's node can run.
    if (op->src[0]->buffer->size == 0 && offered == nullptr) return false;
    const ggml_tensor& input = *op->src[1];
    if (input.buffer != nullptr && !ggml_backend_buft_is_host(input.buffer->buft)) return false;
    return input.type == GGML_TYPE_F32 && input.nb[0] == sizeof(float);
  }

  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    if (op->op != GGML_OP_MUL_MAT || !is_ours(*op)) return nullptr;
    return static_cast<Multiplication*>(op->src[0]->extra);
  }

 private:
  static bool is_ours(const ggml_tensor& op) {
    return op.src[0]->buffer != nullptr && op.src[0]->buffer->buft == panel_buffer_type();
  }
};

ggml_status init_tensor(ggml_backend_buffer_t /*buffer*/, ggml_tensor* tensor) {
  if (!is_our_matrix(*tensor)) return GGML_STATUS_FAILED;
  const KernelSet& kernels = offered != nullptr ? *offered : reference_kernels();
  tensor->extra = multiplication(kernels, *weight_type(*tensor));
  return GGML_STATUS_SUCCESS;
}

void set_tensor(ggml_backend_buffer_t /*buffer*/, ggml_tensor* tensor, const void* bytes, std::size_t offset,
                std::size_t size) {
  // Panels interleave rows: a part of a matrix cannot be set.
  GGML_ASSERT(offset == 0 && size == ggml_nbytes(tensor));
  static_cast<const Multiplication*>(tensor->extra)->pack(*tensor, bytes);
}

void get_tensor(ggml_backend_buffer_t /*buffer*/, const ggml_tensor* tensor, void* /*bytes*/,
                std::size_t /*offset*/, std::size_t /*size*/) {
  GGML_ABORT("%s is in panels, which cannot be read back: load the model with engine.kernels = \"stock\"",
             tensor->name);
}

void* base_of(ggml_backend_buffer_t buffer) { return buffer->context; }

void free_buffer(ggml_backend_buffer_t buffer) {
  munmap(buffer->context, buffer->size);
  bytes_in_use -= buffer->size;
}

void clear(ggml_backend_buffer_t buffer, std::uint8_t value) {
  std::memset(buffer->context, value, buffer->size);
}

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // Panels are read from end to end for every token: fewer, larger pages spare address translation.
  madvise(memory, size, MADV_HUGEPAGE);
  bytes_in_use += size;
  bytes_offered += size;
  static const ggml_backend_buffer_i interface = {.free_buffer = free_buffer,
                                                  .get_base = base_of,
                                                  .init_tensor = init_tensor,
                                                  .memset_tensor = nullptr,
                                                  .set_tensor = set_tensor,
                                                  .get_tensor = get_tensor,
                                                  .set_tensor_2d = nullptr,
                                                  .get_tensor_2d = nullptr,
                                                  .cpy_tensor = nullptr,
                                                  .clear = clear,
                                                  .reset = nullptr};
  return ggml_backend_buffer_init(type, interface, memory, size);
}

std::size_t alloc_size(ggml_backend_buffer_type_t /*type*/, const ggml_tensor* tensor) {
  const auto type = weight_type(*tensor);
  if (!type || !is_our_matrix(*tensor)) return ggml_nbytes(tensor);
  return panel_count(extent(*tensor, 1)) * panel_bytes(*type, extent(*tensor, 0));
}

ggml_backend_buffer_type_t panel_buffer_type() {
  static ggml_backend_buffer_type type = {
      .iface = {.get_name = [](ggml_backend_buffer_type_t) { return "CPU_PANELS"; },
                .alloc_buffer = allocate,
                .get_alignment = [](ggml_backend_buffer_type_t) { return std::size_t{64}; },
                .get_max_size = nullptr,
                .get_alloc_size = alloc_size,
                .is_host = nullptr},
      .device = ggml_backend_reg_dev_get(ggml_backend_cpu_reg(), 0),
      // ggml reads it as its own base class.
      .context = static_cast<ggml::cpu::extra_buffer_type*>(new PanelBuffers)};
  return &type;
}

void join_list() {
  static std::once_flag once;
  std::call_once(once, [] {
    auto& list = ggml_backend_cpu_get_extra_buffer_types();
    list.insert(list.begin(), panel_buffer_type());
  });
}

}  // namespace

Offer::Offer(const KernelSet* kernels) {
  assert(offered == nullptr);
  join_list();
  offered = kernels;
  bytes_offered = 0;
}

Offer::~Offer() { offered = nullptr; }

std::size_t Offer::panel_bytes() const { return bytes_offered; }

bool can_offer() { return true; }

std::size_t panel_bytes_in_use() { return bytes_in_use; }

}  // namespace sovereign::kernels
