// Check digits of account and card numbers, and the forms that go with them.
#pragma once

#include <cstddef>
#include <string_view>

namespace sovereign::omega {

// Luhn's formula over digits (ISO/IEC 7812-1, annex B).
bool luhn_holds(std::string_view digits);

// Length and first digits are those of a card network, the check digit is right, and it is none of the
// numbers that payment providers publish for tests. Digits only.
bool is_payment_card(std::string_view digits);

// Length is the country's and the check digits are right (ISO 13616-1). Upper-case letters and digits only.
bool is_iban(std::string_view compact);
// Length of the country's IBANs; 0 for a code that has none here.
std::size_t iban_length(std::string_view country);

}  // namespace sovereign::omega
