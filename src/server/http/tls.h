// The server's side of TLS: 1.2 and later, with forward secrecy and authenticated ciphers only.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"

namespace sovereign::server {

// From a PEM chain (server certificate first) and its PEM key. The context is immutable afterwards and
// shared by all connections. Errors: not_found, permission_denied (a file that cannot be read),
// invalid_argument (not PEM, or the key is not the certificate's); each names the file.
result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& certificate_file,
                                                                    const std::string& key_file);

}  // namespace sovereign::server
