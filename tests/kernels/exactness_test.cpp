// Not less exact than llama.cpp: errors against an F64 product of the weights that the file stands for.
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "kernels/random_matrix.h"
#include "kernels/thread_team.h"
#include "support/test_model.h"

namespace sovereign::kernels {
namespace {

struct Free {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(gguf_context* context) const { gguf_free(context); }
  void operator()(ggml_backend_t backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer_t buffer) const { ggml_backend_buffer_free(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::vector<float> stock_product(const TestMatrix& matrix, const std::vector<float>& x) {
  const Owned<ggml_backend> backend(ggml_backend_cpu_init());
  const Owned<ggml_context> context(ggml_init({1 << 20, nullptr, true}));
  const auto k = static_cast<std::int64_t>(matrix.k);
  const auto columns = static_cast<std::int64_t>(x.size()) / k;
  ggml_tensor* weights =
      ggml_new_tensor_2d(context.get(), ggml_type_of(matrix.type), k, static_cast<std::int64_t>(matrix.rows));
  ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, k, columns);
  ggml_tensor* output = ggml_mul_mat(context.get(), weights, input);
  ggml_cgraph* graph = ggml_new_graph(context.get());
  ggml_build_forward_expand(graph, output);
  const Owned<ggml_backend_buffer> buffer(ggml_backend_alloc_ctx_tensors(context.get(), backend.get()));
  ggml_backend_tensor_set(weights, matrix.file.data(), 0, matrix.file.size());
  ggml_backend_tensor_set(input, x.data(), 0, x.size() * sizeof(float));
  EXPECT_EQ(ggml_backend_graph_compute(backend.get(), graph), GGML_STATUS_SUCCESS);
  std::vector<float> y(matrix.rows * static_cast<std::size_t>(columns));
  ggml_backend_tensor_get(output, y.data(), 0, y.size() * sizeof(float));
  return y;
}

double root_mean_square_error(const TestMatrix& matrix, const std::vector<float>& x,
                              const std::vector<float>& y) {
  const std::vector<float> weights = matrix.dequantized();
  double sum = 0;
  for (std::size_t c = 0; c < x.size() / matrix.k; ++c) {
    for (std::size_t row = 0; row < matrix.rows; ++row) {
      double exact = 0;
      for (std::size_t i = 0; i < matrix.k; ++i) {
        exact += static_cast<double>(weights[row * matrix.k + i]) * static_cast<double>(x[c * matrix.k + i]);
      }
      sum += std::pow(exact - static_cast<double>(y[c * matrix.rows + row]), 2);
    }
  }
  return std::sqrt(sum / static_cast<double>(y.size()));
}

// Both round activations to 8 bits, the bulk of either error; stock rounds scales to half precision besides,
// which on a few thousand outputs may by chance cancel some of it. So much is allowed for chance.
constexpr double kChance = 1.002;

void expect_no_worse_than_stock(const TestMatrix& matrix, const std::vector<float>& x) {
  const double stock = kChance * root_mean_square_error(matrix, x, stock_product(matrix, x));
  for (const KernelSet* kernels : supported_kernels()) {
    EXPECT_LE(root_mean_square_error(matrix, x, product(*kernels, matrix, x)), stock) << kernels->name;
  }
}

class ExactnessTypes : public ::testing::TestWithParam<WeightType> {};
INSTANTIATE_TEST_SUITE_P(Exactness, ExactnessTypes, ::testing::ValuesIn(kWeightTypes),
                         [](const auto& each) { return ggml_type_name(ggml_type_of(each.param)); });

TEST_P(ExactnessTypes, RandomMatrixNoWorseThanStock) {
  expect_no_worse_than_stock(random_matrix(GetParam(), 320, 1536, 21), random_floats(4 * 1536, 1, 22));
}

// A few inputs are a hundred times larger, as in the residual stream of a language model.
TEST_P(ExactnessTypes, OutliersNoWorseThanStock) {
  std::vector<float> x = random_floats(4 * 1536, 0.3F, 23);
  for (std::size_t i = 100; i < x.size(); i += 512) x[i] *= 100;
  expect_no_worse_than_stock(random_matrix(GetParam(), 320, 1536, 24), x);
}

TEST(Exactness, TensorsOfTheRealModelNoWorseThanStock) {
  const auto path = sovereign::testing::test_model_path();
  ASSERT_FALSE(path.empty());
  ggml_context* loaded = nullptr;
  const Owned<gguf_context> file(gguf_init_from_file(path.c_str(), {false, &loaded}));
  ASSERT_NE(file, nullptr);
  const Owned<ggml_context> tensors(loaded);
  for (const char* name : {"blk.0.ffn_down.weight", "blk.7.ffn_up.weight", "blk.15.attn_q.weight",
                           "blk.29.attn_output.weight", "token_embd.weight"}) {
    const ggml_tensor* tensor = ggml_get_tensor(tensors.get(), name);
    ASSERT_NE(tensor, nullptr) << name;
    const WeightType type = tensor->type == GGML_TYPE_Q4_1 ? WeightType::q4_1 : WeightType::q8_0;
    ASSERT_EQ(tensor->type, ggml_type_of(type)) << name;
    const auto k = static_cast<std::size_t>(tensor->ne[0]);
    TestMatrix matrix{type, 320, k, {}, {}};
    const auto* bytes = static_cast<const std::byte*>(tensor->data);
    matrix.file.assign(bytes, bytes + matrix.rows * row_bytes(type, k));
    matrix.pack();
    SCOPED_TRACE(name);
    expect_no_worse_than_stock(matrix, random_floats(8 * k, 1, 25));
  }
}

}  // namespace
}  // namespace sovereign::kernels
