#include "server/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sovereign::server {

namespace ssl = boost::asio::ssl;

namespace {

// RFC 7540 9.2.2's spirit for TLS 1.2; TLS 1.3 has only good ones.
constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!kRSA";

result<void> check_readable(const std::string& file, const char* key) {
  errno = 0;
  std::ifstream stream(file);
  if (stream.peek() != std::ifstream::traits_type::eof()) return {};
  if (errno == ENOENT) {
    return fail(ErrorCode::not_found, "There is no file " + file + " (" + key + ").", key);
  }
  if (errno == EACCES) {
    return fail(ErrorCode::permission_denied, "The file " + file + " (" + key + ") cannot be read.", key);
  }
  return fail(ErrorCode::invalid_argument, "The file " + file + " (" + key + ") is empty or not a file.",
              key);
}

// Clients that offer protocols get HTTP/1.1, or nothing where they do not speak it.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  unsigned char* out = nullptr;
  const int found =
      SSL_select_next_proto(&out, chosen_size, kProtocols, sizeof(kProtocols) - 1, offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// A key with a passphrase must be an error, not a question on the terminal.
int refuse_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

result<std::shared_ptr<ssl::context>> make_tls_context(const std::string& certificate_file,
                                                       const std::string& key_file) {
  if (certificate_file.empty() || key_file.empty()) {
    return fail(ErrorCode::invalid_argument, "TLS needs both server.tls_certificate and server.tls_key.",
                certificate_file.empty() ? "server.tls_certificate" : "server.tls_key");
  }
  if (auto ok = check_readable(certificate_file, "server.tls_certificate"); !ok) return fail(ok.error());
  if (auto ok = check_readable(key_file, "server.tls_key"); !ok) return fail(ok.error());

  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_default_passwd_cb(native, refuse_passphrase);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) {
    return fail(ErrorCode::invalid_argument,
                certificate_file + " is not a PEM certificate chain: " + error.message() + ".",
                "server.tls_certificate");
  }
  // Loading a key after its certificate checks that they belong together.
  context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error && ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH) {
    return fail(ErrorCode::invalid_argument,
                "The key " + key_file + " does not belong to the certificate " + certificate_file + ".",
                "server.tls_key");
  }
  if (error) {
    return fail(ErrorCode::invalid_argument,
                key_file + " is not a PEM private key without a passphrase: " + error.message() + ".",
                "server.tls_key");
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument,
                "The key " + key_file + " does not belong to the certificate " + certificate_file + ".",
                "server.tls_key");
  }
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections hold no 32 KB of buffers
  if (SSL_CTX_set_cipher_list(native, kTls12Ciphers) != 1) {
    return fail(ErrorCode::internal, "OpenSSL refuses the cipher list.");
  }
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  return context;
}

}  // namespace sovereign::server
