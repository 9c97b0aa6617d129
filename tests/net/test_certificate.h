// A self-signed certificate for 127.0.0.1 and "localhost", made on the spot; for tests.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

namespace sovereign::testing {

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

TestCertificate make_test_certificate(
    const std::string& subject_alternative_names = "IP:127.0.0.1,DNS:localhost");

boost::asio::ssl::context server_context(const TestCertificate& certificate);

}  // namespace sovereign::testing
