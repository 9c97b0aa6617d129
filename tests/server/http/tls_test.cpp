// HTTPS with a certificate made here by OpenSSL.
#include "server/http/tls.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "server/http/test_server.h"

namespace sovereign::server {
namespace {

using asio::ip::tcp;
using testing::HasSubstr;

// A self-signed certificate and its key, as files that go away with it.
class Certificate {
 public:
  explicit Certificate(const std::string& name)
      : directory_(std::filesystem::path(testing::TempDir()) /
                   ("sovereign_tls_" + std::to_string(::getpid()) + "_" + name)) {
    std::filesystem::create_directories(directory_);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    const unsigned char common_name[] = "localhost";
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  ~Certificate() { std::filesystem::remove_all(directory_); }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string certificate_file() const { return directory_ / "certificate.pem"; }
  std::string key_file() const { return directory_ / "key.pem"; }

 private:
  std::filesystem::path directory_;
};

ServerConfig tls_config(const Certificate& certificate) {
  ServerConfig config = TestServer::config();
  config.tls_certificate = certificate.certificate_file();
  config.tls_key = certificate.key_file();
  return config;
}

class TlsClient {
 public:
  TlsClient(std::uint16_t port, const Certificate& certificate) : stream_(io_, context_) {
    context_.load_verify_file(certificate.certificate_file());
    stream_.set_verify_mode(asio::ssl::verify_peer);
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.handshake(asio::ssl::stream_base::client);
  }

  void send(const std::string& bytes) { asio::write(stream_, asio::buffer(bytes)); }
  std::string read_until(const std::string& mark) {
    const std::size_t size = asio::read_until(stream_, asio::dynamic_buffer(unread_), mark);
    std::string out = unread_.substr(0, size);
    unread_.erase(0, size);
    return out;
  }
  // What ends the connection: eof when the server said goodbye, stream_truncated when it did not.
  boost::system::error_code read_to_end() {
    boost::system::error_code error;
    char byte[4096];
    while (!error) stream_.read_some(asio::buffer(byte), error);
    return error;
  }
  void drop() { stream_.next_layer().close(); }

 private:
  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  asio::ssl::stream<tcp::socket> stream_;
  std::string unread_;
};

TEST(Tls, ServesRequestsPipelinesAndStreams) {
  const Certificate certificate("serves");
  TestServer test(tls_config(certificate));
  EXPECT_TRUE(test.server->tls());
  TlsClient client(test.port(), certificate);
  for (int i = 0; i < 20; ++i) {
    client.send(get("/hello") + post("/stream", "100") + post("/echo", std::string(100'000, 'e') + "END"));
    EXPECT_THAT(client.read_until("hi"), HasSubstr("200 OK"));
    EXPECT_THAT(client.read_until("0\r\n\r\n"), HasSubstr("data: event 99\n\n"));
    EXPECT_THAT(client.read_until("END"), HasSubstr("eeee"));
  }
}

TEST(Tls, SaysGoodbye) {
  const Certificate certificate("goodbye");
  TestServer test(tls_config(certificate));
  TlsClient client(test.port(), certificate);
  client.send(get("/hello", "Connection: close\r\n"));
  client.read_until("hi");
  EXPECT_EQ(client.read_to_end(), asio::error::eof);
}

TEST(Tls, AHandlerLearnsThatItsClientLeft) {
  const Certificate certificate("left");
  TestServer test(tls_config(certificate));
  TlsClient client(test.port(), certificate);
  client.send(get("/wait") + get("/hello"));
  wait_for([&] { return test.waiting == 1; });
  client.drop();
  wait_for([&] { return test.waiting == 0; });
  EXPECT_EQ(test.disconnects, 1);
}

TEST(Tls, BytesSentWhileAHandlerWorksAreTheNextRequest) {
  const Certificate certificate("ahead");
  TestServer test(tls_config(certificate));
  TlsClient client(test.port(), certificate);
  client.send(get("/wait"));
  wait_for([&] { return test.waiting == 1; });
  client.send(post("/echo", "next"));
  test.released = true;
  client.read_until("released");
  EXPECT_THAT(client.read_until("next"), HasSubstr("200 OK"));
}

TEST(Tls, AClientThatNeverReadsIsDropped) {
  const Certificate certificate("deaf");
  ServerConfig config = tls_config(certificate);
  config.write_timeout = std::chrono::milliseconds(100);
  TestServer test(config);
  TlsClient deaf(test.port(), certificate);
  deaf.send(get("/big") + get("/big"));
  wait_for([&] { return test.server->metrics().slow_clients_dropped == 1; });
}

TEST(Tls, AHandshakeThatNeverComesTimesOut) {
  const Certificate certificate("handshake");
  ServerConfig config = tls_config(certificate);
  config.header_timeout = std::chrono::milliseconds(50);
  TestServer test(config);
  RawClient silent = test.client();
  EXPECT_EQ(silent.read_to_end(), "");
  RawClient plain = test.client();
  plain.send(get("/hello"));
  EXPECT_EQ(plain.read().status, 0U);
}

TEST(Tls, MayBeDestroyedInTheMiddleOfEverything) {
  const Certificate certificate("destroyed");
  TestServer test(tls_config(certificate));
  RawClient shaking = test.client();
  TlsClient busy(test.port(), certificate);
  busy.send(get("/wait"));
  TlsClient stream(test.port(), certificate);
  stream.send(get("/forever"));
  stream.read_until("data: x");
  wait_for([&] { return test.waiting == 1; });
  test.server.reset();
  EXPECT_EQ(test.waiting, 0);
}

TEST(Tls, NamesWhatIsWrongWithTheFiles) {
  const Certificate one("one");
  const Certificate two("two");
  const auto code = [](const std::string& certificate, const std::string& key) {
    const auto context = make_tls_context(certificate, key);
    return context ? std::string("fine") : context.error().message;
  };
  EXPECT_EQ(code(one.certificate_file(), one.key_file()), "fine");
  EXPECT_THAT(code(one.certificate_file(), two.key_file()), HasSubstr("does not belong"));
  EXPECT_THAT(code("/nowhere/c.pem", one.key_file()), HasSubstr("There is no file /nowhere/c.pem"));
  EXPECT_THAT(code(one.certificate_file(), "/nowhere/k.pem"), HasSubstr("server.tls_key"));
  EXPECT_THAT(code(one.key_file(), one.key_file()), HasSubstr("not a PEM certificate"));
  EXPECT_THAT(code(one.certificate_file(), one.certificate_file()), HasSubstr("not a PEM private key"));
  EXPECT_THAT(code(one.certificate_file(), ""), HasSubstr("both"));
}

}  // namespace
}  // namespace sovereign::server
