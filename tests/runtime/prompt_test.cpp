#include "runtime/prompt.h"

#include <gtest/gtest.h>

namespace sovereign::runtime {
namespace {

// docs/query.md shows this prompt.
TEST(Prompt, ContextComesBeforeTheQuestion) {
  SovereignQuery query;
  query.content = "Who lives there?";
  query.context = {{"Atlas", "Berlin has 3.7 million inhabitants.", false},
                   {"unit", "million", true},
                   {"", "Paris has 2.1 million.", false}};
  EXPECT_EQ(compose_question(query),
            "Context:\n"
            "\n[1] Atlas\nBerlin has 3.7 million inhabitants.\n"
            "\nunit: million\n"
            "\n[2]\nParis has 2.1 million.\n"
            "\nQuestion: Who lives there?");
}

TEST(Prompt, WithoutContextTheQuestionStandsAlone) {
  SovereignQuery query;
  query.content = "Say \"hi\".";
  EXPECT_EQ(compose_messages(query), R"([{"role":"user","content":"Say \"hi\"."}])");
  query.system = "Be brief.";
  EXPECT_EQ(compose_messages(query),
            R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Say \"hi\"."}])");
}

}  // namespace
}  // namespace sovereign::runtime
