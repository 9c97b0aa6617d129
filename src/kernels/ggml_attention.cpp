#include "kernels/ggml_attention.h"

#include <ggml-backend-impl.h>
#include <ggml-cpu-impl.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <traits.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "kernels/attention.h"
#include "kernels/thread_order.h"

namespace sovereign::kernels {
namespace {

std::atomic<const AttentionKernels*> in_use{nullptr};

template <class T>
Vectors<T> vectors(const ggml_tensor& tensor) {
  return {static_cast<T*>(tensor.data), {tensor.nb[1], tensor.nb[2], tensor.nb[3]}};
}

std::size_t extent(const ggml_tensor& tensor, int dimension) {
  return static_cast<std::size_t>(tensor.ne[dimension]);
}

bool is_ours(const ggml_tensor& op) {
  if (op.op != GGML_OP_FLASH_ATTN_EXT || in_use.load(std::memory_order_relaxed) == nullptr) return false;
  const ggml_tensor& q = *op.src[0];
  const ggml_tensor& k = *op.src[1];
  const ggml_tensor& v = *op.src[2];
  const ggml_tensor* mask = op.src[3];
  const bool types = q.type == GGML_TYPE_F32 && k.type == GGML_TYPE_F16 && v.type == GGML_TYPE_F16;
  const bool rows = q.nb[0] == sizeof(float) && k.nb[0] == sizeof(Half) && v.nb[0] == sizeof(Half);
  const bool sizes = k.ne[0] % 8 == 0 && v.ne[0] % 8 == 0 && v.ne[1] == k.ne[1];
  const bool heads = v.ne[2] == k.ne[2] && q.ne[2] % k.ne[2] == 0;
  const bool streams = k.ne[3] == q.ne[3] && v.ne[3] == q.ne[3];
  const bool masks = mask == nullptr || (mask->type == GGML_TYPE_F16 && mask->nb[0] == sizeof(Half) &&
                                         mask->ne[2] == 1 && (mask->ne[3] == 1 || mask->ne[3] == q.ne[3]));
  return types && rows && sizes && heads && streams && masks;
}

Attention attention_of(const ggml_tensor& op) {
  const ggml_tensor& q = *op.src[0];
  const ggml_tensor& k = *op.src[1];
  Attention attention{};
  attention.key_size = extent(k, 0);
  attention.value_size = extent(*op.src[2], 0);
  attention.tokens = extent(q, 1);
  attention.heads = extent(q, 2);
  attention.key_heads = extent(k, 2);
  attention.cells = extent(k, 1);
  attention.streams = extent(q, 3);
  attention.query = vectors<const float>(q);
  attention.key = vectors<const Half>(k);
  attention.value = vectors<const Half>(*op.src[2]);
  if (const ggml_tensor* mask = op.src[3]; mask != nullptr) {
    attention.mask = vectors<const Half>(*mask);
    if (mask->ne[3] == 1) attention.mask.stride_bytes[2] = 0;
  }
  attention.out = vectors<float>(op);
  if (op.src[4] != nullptr) attention.sinks = static_cast<const float*>(op.src[4]->data);
  float parameters[3];
  std::memcpy(parameters, op.op_params, sizeof parameters);
  attention.scale = parameters[0];
  attention.max_bias = parameters[1];
  attention.logit_softcap = parameters[2];
  return attention;
}

class AttentionTraits final : public ggml::cpu::tensor_traits {
 public:
  bool work_size(int /*threads*/, const ggml_tensor* /*op*/, std::size_t& /*size*/) override {
    return false;  // ggml's own need, in case it is to compute after all
  }

  bool compute_forward(ggml_compute_params* params, ggml_tensor* op) override {
    const AttentionKernels* kernels = in_use.load(std::memory_order_relaxed);
    if (kernels == nullptr) return false;
    const ThreadOrder order;
    attend(*kernels, attention_of(*op), static_cast<std::size_t>(params->ith),
           static_cast<std::size_t>(params->nth));
    return true;
  }
};

// No memory is ever of this type: it is how ggml comes to ask.
class Asked final : public ggml::cpu::extra_buffer_type {
 public:
  bool supports_op(ggml_backend_dev_t /*device*/, const ggml_tensor* /*op*/) override { return false; }
  ggml::cpu::tensor_traits* get_tensor_traits(const ggml_tensor* op) override {
    static AttentionTraits traits;
    return is_ours(*op) ? &traits : nullptr;
  }
};

void join_list() {
  static ggml_backend_buffer_type type = {
      .iface = {.get_name = [](ggml_backend_buffer_type_t) { return "CPU_ATTENTION"; },
                .alloc_buffer = [](ggml_backend_buffer_type_t, std::size_t) -> ggml_backend_buffer_t {
                  return nullptr;
                },
                .get_alignment = [](ggml_backend_buffer_type_t) { return std::size_t{64}; },
                .get_max_size = nullptr,
                .get_alloc_size = nullptr,
                .is_host = nullptr},
      .device = ggml_backend_reg_dev_get(ggml_backend_cpu_reg(), 0),
      // ggml reads it as its own base class.
      .context = static_cast<ggml::cpu::extra_buffer_type*>(new Asked)};
  ggml_backend_cpu_get_extra_buffer_types().push_back(&type);
}

}  // namespace

bool use_attention(const AttentionKernels* kernels) {
  static std::once_flag once;
  if (kernels != nullptr) std::call_once(once, join_list);
  in_use.store(kernels, std::memory_order_relaxed);
  return kernels != nullptr;
}

}  // namespace sovereign::kernels
