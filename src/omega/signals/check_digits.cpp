#include "omega/signals/check_digits.h"

#include <algorithm>
#include <array>

namespace sovereign::omega {
namespace {

struct Network {
  unsigned first;  // range of the first four digits
  unsigned last;
  std::size_t least;  // digits in all
  std::size_t most;
};

constexpr std::array<Network, 14> kNetworks = {{
    {4000, 4999, 16, 16},  // Visa
    {5100, 5599, 16, 16},  // Mastercard
    {2221, 2720, 16, 16},  // Mastercard
    {3400, 3499, 15, 15},  // American Express
    {3700, 3799, 15, 15},  // American Express
    {6011, 6011, 16, 16},  // Discover
    {6440, 6599, 16, 16},  // Discover
    {3528, 3589, 16, 16},  // JCB
    {3000, 3059, 14, 14},  // Diners Club
    {3600, 3699, 14, 14},  // Diners Club
    {3800, 3999, 14, 14},  // Diners Club
    {6200, 6299, 16, 19},  // UnionPay
    {5018, 5018, 16, 19},  // Maestro
    {6759, 6763, 16, 19},  // Maestro
}};

constexpr std::array<std::string_view, 12> kTestCards = {
    "4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556",
    "5555555555554444", "5105105105105100", "2223003122003222", "378282246310005",
    "371449635398431",  "6011111111111117", "6011000990139424", "3530111333300000"};

struct Country {
  std::string_view code;
  std::size_t length;
};

// ISO 13616 registry: Europe, and the others that publish the most.
constexpr std::array<Country, 56> kCountries = {{
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BR", 29}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DK", 18},
    {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22},
    {"GI", 23}, {"GR", 27}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IS", 26}, {"IT", 27},
    {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21},
    {"MC", 27}, {"MD", 24}, {"MT", 31}, {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28}, {"PT", 25},
    {"QA", 29}, {"RO", 24}, {"RS", 22}, {"SA", 24}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"TR", 26},
}};

}  // namespace

bool luhn_holds(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return sum % 10 == 0;
}

bool is_payment_card(std::string_view digits) {
  if (digits.size() < 14 || digits.size() > 19) return false;
  unsigned first = 0;
  for (const char c : digits.substr(0, 4)) first = first * 10 + static_cast<unsigned>(c - '0');
  const bool known = std::any_of(kNetworks.begin(), kNetworks.end(), [&](const Network& network) {
    return first >= network.first && first <= network.last && digits.size() >= network.least &&
           digits.size() <= network.most;
  });
  return known && luhn_holds(digits) &&
         std::find(kTestCards.begin(), kTestCards.end(), digits) == kTestCards.end();
}

std::size_t iban_length(std::string_view country) {
  const auto found = std::lower_bound(kCountries.begin(), kCountries.end(), country,
                                      [](const Country& c, std::string_view code) { return c.code < code; });
  return found != kCountries.end() && found->code == country ? found->length : 0;
}

bool is_iban(std::string_view compact) {
  if (compact.size() < 5 || compact.size() != iban_length(compact.substr(0, 2))) return false;
  // The first four characters go to the end, letters become 10 to 35, and the number is 1 modulo 97.
  unsigned remainder = 0;
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[(i + 4) % compact.size()];
    if (c >= '0' && c <= '9') {
      remainder = (remainder * 10 + static_cast<unsigned>(c - '0')) % 97;
    } else if (c >= 'A' && c <= 'Z') {
      remainder = (remainder * 100 + static_cast<unsigned>(c - 'A') + 10) % 97;
    } else {
      return false;
    }
  }
  return remainder == 1;
}

}  // namespace sovereign::omega
