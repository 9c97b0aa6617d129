// What a receipt says of a query and its result (docs/proof.md lists it for those who verify). Pure.
#pragma once

#include <map>
#include <string>

#include "gateway/backend.h"
#include "pci/receipt_issuer.h"
#include "runtime/query.h"
#include "runtime/result.h"

namespace sovereign::runtime {

// The bytes that are sealed as the answer. One choice that is plain text: its content. Else the canonical
// JSON of all choices, an array of {"content", "reasoning_content", "tool_calls": [{"arguments", "name"}]},
// where what is empty is left out. (Calls have no ids here: those are made for each response.)
std::string sealed_answer(const std::vector<Choice>& choices);

// All that changes an answer beside the query's text: the backend's settings, and the sampling as it was
// used, the seed that was drawn among it.
std::map<std::string, std::string> sealed_sampling(const SovereignQuery& query, const SovereignResult& result,
                                                   const gateway::BackendIdentity& identity);

// `answer` is sealed_answer(); the draft borrows it and the query's receipt request, which must be there.
pci::ReceiptDraft draft_receipt(const SovereignQuery& query, const SovereignResult& result,
                                const gateway::BackendIdentity& identity, std::string_view answer);

}  // namespace sovereign::runtime
