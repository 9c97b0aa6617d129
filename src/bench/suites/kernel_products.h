// What the matrix kernels of each instruction set reach alone: one thread, one matrix that stays in the
// second-level cache, no model.
#pragma once

#include <map>
#include <string>

namespace sovereign::bench {

// "product_SET_TYPE_COLUMNS_gmac_per_s": 10^9 multiply-adds per second, the fastest of several runs, for
// every set that this CPU can run but the reference; COLUMNS is 1, 4, 8, 16.
std::map<std::string, double> kernel_products();

}  // namespace sovereign::bench
