// Credentials in an answer.
//
// Found: PEM private keys; access tokens that their issuers mark with a prefix (AWS, GitHub, GitLab, Google,
// Slack, Stripe, npm, PyPI, Hugging Face, OpenAI, Anthropic, SendGrid) and of the length and alphabet the
// issuer documents; JSON web tokens whose header decodes to JSON's beginning. Tokens that are plainly
// examples ("EXAMPLE" in them, or one character over and over) are not.
// no_secrets  1 for none, 0 for any. Always measured when there is text.
// Source: secret scanning by prefix, as GitHub and detect-secrets do it; passwords without a mark are
// left alone, because guessing at them costs more false alarms than it finds.
// What stands in the question was the asker's own and is not counted; what stands in the context is: the
// asker may not have seen it.
// Cost: one pass, and a search of what was given for each that is found.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "omega/finding.h"

namespace sovereign::omega {

// Those that stand in none of the texts that were given, in order of place; stops at kMaxFindings.
std::vector<Finding> find_secrets(std::string_view text, std::span<const std::string_view> given = {});

}  // namespace sovereign::omega
