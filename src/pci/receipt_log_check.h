// A receipt against the log that it names: what its keeper says now must fit what he signed then.
//
// Reads the log's files; the log should be audited besides.
#pragma once

#include <vector>

#include "pci/receipt_log.h"
#include "pci/receipt_verifier.h"

namespace sovereign::pci {

// "log_line": line `index` is this receipt; "log_root": the log has the root of the receipt's head.
// A log that was cut back or rewritten shows here, and only here: a shorter log is whole in itself. Errors:
// what reading the log gives.
result<std::vector<ReceiptCheck>> check_in_log(const ReceiptFile& file, const ReceiptLog& log);

}  // namespace sovereign::pci
