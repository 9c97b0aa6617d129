#include "bench/suites/speculative_texts.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace sovereign::bench {

namespace {

constexpr std::array<std::string_view, 4> kTexts = {
    "The harbour of Kilmore lies on the western shore of the island. Every morning the fishing boats leave "
    "before "
    "sunrise, and every evening they return with herring, mackerel and crab. The market on the quay opens at "
    "seven "
    "and closes when the last fish is sold. Visitors can rent a small boat for the day and row to the "
    "lighthouse, "
    "which was built in 1847 and is still in use.",
    "Tenants must pay the rent by the third day of each month. A payment that arrives later is charged a fee "
    "of "
    "twenty euros. Repairs are reported to the office in writing, and the office answers within five working "
    "days. "
    "Pets are allowed with permission. The lease ends with a notice of three months, given by either side.",
    "The team met on Tuesday to discuss the new warehouse. Maria presented the budget, which is eight "
    "percent higher "
    "than last year. Thomas asked for two more forklifts and a second gate on the north side. It was agreed "
    "to "
    "invite three suppliers and to compare their offers before the end of June.",
    "To prepare the soup, wash the leeks and cut them into thin rings. Melt the butter in a large pot, add "
    "the leeks "
    "and let them soften for ten minutes. Add the potatoes and the stock, bring everything to a boil, and "
    "simmer "
    "until the potatoes are tender. Blend the soup, season it with salt and pepper, and serve it with bread.",
};

constexpr std::string_view kFunction =
    "def total_price(items, tax_rate):\n"
    "    total = 0\n"
    "    for item in items:\n"
    "        price = item.price * item.quantity\n"
    "        total = total + price\n"
    "    total = total + total * tax_rate\n"
    "    return total\n";

constexpr std::string_view kRecord =
    "{\"name\": \"Anna Berg\", \"city\": \"Oslo\", \"age\": 41, \"languages\": [\"Norwegian\", \"English\"], "
    "\"address\": {\"street\": \"Storgata 12\", \"postcode\": \"0155\"}}";

}  // namespace

std::vector<std::string> quoting_questions() {
  std::vector<std::string> questions;
  for (const std::string_view text : kTexts) {
    questions.push_back(fmt::format("Repeat the following text word for word.\n\n{}", text));
  }
  return questions;
}

std::vector<std::string> editing_questions() {
  return {
      fmt::format("Rewrite the following text. Change 'Kilmore' to 'Dunmore' and nothing else.\n\n{}",
                  kTexts[0]),
      fmt::format("Correct the spelling of the following text and write it out again.\n\n{}", kTexts[2]),
      fmt::format("Rename the function to 'sum_price' and write the whole code again.\n\n{}", kFunction),
      fmt::format("Change the city to 'Bergen' and give the whole record again.\n\n{}", kRecord),
  };
}

std::vector<std::string> open_questions() {
  return {"Write a short story about a lighthouse keeper.", "Explain why the sky is blue to a child.",
          "What should I consider before I adopt a dog?", "Describe how bread is made, from grain to loaf."};
}

std::vector<std::string> many_questions(std::size_t count) {
  std::vector<std::string> questions;
  for (std::size_t i = 0; questions.size() < count; ++i) {
    switch (i % 3) {
      case 0: {
        const std::string_view text = kTexts[i / 3 % kTexts.size()];
        const auto begin = text.find(' ', i * 7 % 120) + 1;
        questions.push_back(fmt::format("Repeat this {} times: {}", i % 4 + 1, text.substr(begin, 90)));
        break;
      }
      case 1: questions.push_back(fmt::format("List the numbers from {} to {}.", i, i + 20)); break;
      default:
        questions.push_back(fmt::format("Write one sentence about the number {} and the sea.", i));
        break;
    }
  }
  return questions;
}

}  // namespace sovereign::bench
