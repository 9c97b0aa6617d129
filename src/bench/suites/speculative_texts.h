// What the clients of the speculation benchmark ask.
#pragma once

#include <string>
#include <vector>

namespace sovereign::bench {

// Each gives a text and asks for it again, as it stands.
std::vector<std::string> quoting_questions();
// Each gives a text, code or a table, and asks for it with a small change.
std::vector<std::string> editing_questions();
// Nothing is given.
std::vector<std::string> open_questions();
// `count` different ones of all three kinds.
std::vector<std::string> many_questions(std::size_t count);

}  // namespace sovereign::bench
