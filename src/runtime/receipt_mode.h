// When an answer is given a receipt.
#pragma once

namespace sovereign::runtime {

enum class ReceiptMode {
  off,
  on_request,  // to who asks for one
  always,      // to everybody; no answer without
};

}  // namespace sovereign::runtime
