#include "server/api_error.h"

#include <gtest/gtest.h>

namespace sovereign::server {
namespace {

TEST(ApiError, HasOpenAisShape) {
  const HttpResponse response =
      error_response(Error{ErrorCode::not_found, "There is no model \"x\".", "model"});
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"error":{"message":"There is no model \"x\".","type":"not_found_error","param":"model",)"
            R"("code":"not_found"}})");
}

TEST(ApiError, EmptyFieldsAreNull) {
  EXPECT_EQ(error_body("m", "t"), R"({"error":{"message":"m","type":"t","param":null,"code":null}})");
}

TEST(ApiError, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(
      error_body("a\xFF"
                 "b\xC3\xA9\xED\xA0\x80\xF4\x90\x80\x80\xE2\x82",
                 "t"),
      "{\"error\":{\"message\":\"a\uFFFDb\u00E9\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\","
      "\"type\":\"t\",\"param\":null,\"code\":null}}");
}

TEST(ApiError, SaysWhenToRetry) {
  const HttpResponse response =
      error_response(Error{ErrorCode::resource_exhausted, "The queue is full.", ""}, std::chrono::seconds(2));
  EXPECT_EQ(response.status, 429U);
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0], (std::pair<std::string, std::string>("Retry-After", "2")));
}

// Official clients retry 5xx: nothing that a retry cannot cure may be one.
TEST(ApiError, TheCallersFaultsAreBelow500) {
  for (const ErrorCode code : {ErrorCode::invalid_argument, ErrorCode::unsupported, ErrorCode::not_found,
                               ErrorCode::unauthenticated, ErrorCode::permission_denied}) {
    EXPECT_LT(http_status(code), 500U) << to_string(code);
  }
}

}  // namespace
}  // namespace sovereign::server
