// Personal data in an answer.
//
// Found: e-mail addresses (not those of example.com and the like, RFC 2606, nor role addresses such as
// support@ or info@); phone numbers in international form ('+', 8 to 15 digits, ITU E.164) or in the
// North American one (212-…; not 555-01xx, which is reserved for fiction); IBANs whose check digits are right
// (ISO 13616, mod 97) and whose length is the country's; payment cards with an issuer's prefix and length
// whose check digit is right (ISO/IEC 7812, Luhn; not the well-known test numbers); US social security
// numbers in the form 123-45-6789 outside of the ranges that are never given out. no_personal_data  1 for
// none, 0 for any. Always measured when there is text. What stands in the question or in the context was
// given with the query and is not counted. Names, addresses and birthdays are not looked for: without knowing
// whose they are, finding them says nothing. Cost: one pass, and a search of what
// was given for each that is found.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "omega/finding.h"

namespace sovereign::omega {

// Those that stand in none of the texts that were given, in order of place; stops at kMaxFindings.
std::vector<Finding> find_personal_data(std::string_view text, std::span<const std::string_view> given = {});

}  // namespace sovereign::omega
