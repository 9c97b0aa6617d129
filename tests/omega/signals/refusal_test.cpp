#include "omega/signals/refusal.h"

#include <gtest/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

TEST(Refusal, IsFoundInTheWaysModelsDecline) {
  for (const std::string_view text :
       {"I'm sorry, but I can't assist with that.", "I cannot provide instructions for this.",
        "Unfortunately, I am unable to help with this request.",
        "I\xE2\x80\x99m not able to answer that question.",
        "As an AI language model, I cannot browse the internet.", "I must decline this request.",
        "I won't write that.", "Sorry. I can't really help you here.",
        "I don't have access to real-time data."}) {
    EXPECT_TRUE(refuses(text)) << text;
    EXPECT_EQ(responsiveness(text), 0.0) << text;
  }
}

TEST(Refusal, IsNotSeenInAnswers) {
  for (const std::string_view text :
       {"I can't recommend it enough: the soup is wonderful.", "I cannot help but admire the design.",
        "I'm sorry to hear that. Try restarting the router.", "The context does not say when it was built.",
        "She wrote: \"I can't help you any more.\"", "I cannot see how that would fail.", "I don't know.",
        "Paris.", "You can't provide a null pointer here; pass a reference."}) {
    EXPECT_FALSE(refuses(text)) << text;
    EXPECT_EQ(responsiveness(text), 1.0) << text;
  }
}

TEST(Refusal, IsLookedForInTheBeginningOnly) {
  EXPECT_FALSE(refuses(std::string(kRefusalBytes, 'x') + " I can't help with that."));
}

TEST(Refusal, EmptyIsNoAnswer) {
  EXPECT_EQ(responsiveness(""), 0.0);
  EXPECT_EQ(responsiveness(" \n"), 0.0);
}

}  // namespace
}  // namespace sovereign::omega
