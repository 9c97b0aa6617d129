#include "crypto/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

namespace sovereign::crypto {
namespace {

constexpr std::uint64_t kMemoryStepBytes = 4096;  // Argon2 rounds down to it: what it ignores, we refuse
constexpr std::string_view kMagic = "sovereign-key-1\n";

struct KeyFileImage {
  char magic[16];
  std::byte public_key[32];
  std::uint8_t protection;
  std::uint8_t zero[3];
  std::uint32_t passes;
  std::uint64_t memory_bytes;
  unsigned char salt[crypto_pwhash_SALTBYTES];
  unsigned char nonce[crypto_secretbox_NONCEBYTES];
  unsigned char sealed[kSeedBytes + crypto_secretbox_MACBYTES];
};
static_assert(sizeof(KeyFileImage) == kKeyFileBytes && crypto_pwhash_SALTBYTES == 16 &&
              crypto_secretbox_NONCEBYTES == 24);
static_assert(std::endian::native == std::endian::little, "the image is written as it lies in memory");

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> file_error(const std::filesystem::path& path, std::string_view doing, int number) {
  ErrorCode code = ErrorCode::internal;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::permission_denied;
  if (number == EEXIST) code = ErrorCode::already_exists;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::resource_exhausted;
  return fail(
      code,
      fmt::format("cannot {} key file {}: {}", doing, path.string(), std::generic_category().message(number)),
      path.string());
}

// An image in locked memory, since it may hold the seed in the clear.
class LockedImage {
 public:
  static result<LockedImage> allocate() {
    auto bytes = SecretBytes::allocate(sizeof(KeyFileImage));
    if (!bytes) return fail(std::move(bytes.error()));
    std::memset(bytes->bytes().data(), 0, sizeof(KeyFileImage));
    return LockedImage(std::move(*bytes));
  }
  // sodium_malloc aligns the end of the block, and the size is a multiple of the struct's alignment.
  KeyFileImage* operator->() { return reinterpret_cast<KeyFileImage*>(bytes_.bytes().data()); }
  std::span<std::byte> bytes() { return bytes_.bytes(); }

 private:
  explicit LockedImage(SecretBytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes bytes_;
};
static_assert(sizeof(KeyFileImage) % alignof(KeyFileImage) == 0);

result<void> check_cost(const PassphraseCost& cost, ErrorCode code) {
  const bool good = cost.passes >= crypto_pwhash_OPSLIMIT_MIN && cost.passes <= kMostPasses &&
                    cost.memory_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
                    cost.memory_bytes <= kMostMemoryBytes && cost.memory_bytes % kMemoryStepBytes == 0;
  if (good) return {};
  return fail(
      code,
      fmt::format("Argon2id cost out of bounds: {} passes (1 to {}), {} bytes ({} to {}, a multiple of {})",
                  cost.passes, kMostPasses, cost.memory_bytes, crypto_pwhash_MEMLIMIT_MIN, kMostMemoryBytes,
                  kMemoryStepBytes));
}

result<SecretBytes> passphrase_key(std::string_view passphrase, const unsigned char* salt,
                                   const PassphraseCost& cost) {
  auto key = SecretBytes::allocate(crypto_secretbox_KEYBYTES);
  if (!key) return key;
  const int status = crypto_pwhash(reinterpret_cast<unsigned char*>(key->bytes().data()),
                                   crypto_secretbox_KEYBYTES, passphrase.data(), passphrase.size(), salt,
                                   cost.passes, cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0)
    return fail(ErrorCode::resource_exhausted,
                fmt::format("Argon2id needs {} MB of memory, which are not free", cost.memory_bytes >> 20));
  return key;
}

result<void> write_new_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  // Written aside and linked into place: a crash leaves the whole file or none, and link() never overwrites.
  std::string aside = path.string() + ".XXXXXX";
  {
    const FileDescriptor file(::mkostemp(aside.data(), O_CLOEXEC));  // mode 0600
    if (file.get() < 0) return file_error(path, "create", errno);
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size()) || ::fsync(file.get()) != 0) {
      const int number = errno;
      ::unlink(aside.c_str());
      return file_error(path, "write", number != 0 ? number : ENOSPC);
    }
  }
  const int linked = ::link(aside.c_str(), path.c_str());
  const int number = errno;
  ::unlink(aside.c_str());
  if (linked != 0) return file_error(path, "create", number);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0)
    return file_error(path, "sync the folder of", errno);
  return {};
}

// Without passphrase: everything between the protection and the seed, and after the seed.
bool unused_is_zero(std::span<const std::byte> image) {
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  const auto from = image.begin();
  return std::all_of(from + offsetof(KeyFileImage, passes), from + offsetof(KeyFileImage, sealed), is_zero) &&
         std::all_of(from + offsetof(KeyFileImage, sealed) + kSeedBytes, image.end(), is_zero);
}

result<LockedImage> read_image(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return file_error(path, "open", errno);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return file_error(path, "inspect", errno);
  if (!S_ISREG(status.st_mode))
    return fail(ErrorCode::permission_denied, fmt::format("{} is not a regular file", path.string()),
                path.string());
  if ((status.st_mode & 0177) != 0 || status.st_uid != ::geteuid())
    return fail(
        ErrorCode::permission_denied,
        fmt::format("key file {} must belong to you and be closed to others (mode {:04o}): chmod 600 it",
                    path.string(), status.st_mode & 07777),
        path.string());
  const auto corrupt = [&](std::string_view what) {
    return fail(ErrorCode::corrupt, fmt::format("{} is not a key file: {}", path.string(), what),
                path.string());
  };
  if (status.st_size != sizeof(KeyFileImage))
    return corrupt(fmt::format("{} bytes, not 152", status.st_size));
  auto image = LockedImage::allocate();
  if (!image) return image;
  const ssize_t got = ::read(file.get(), image->bytes().data(), sizeof(KeyFileImage));
  if (got < 0) return file_error(path, "read", errno);
  KeyFileImage& fields = *image->operator->();
  if (got != sizeof(KeyFileImage) || std::memcmp(fields.magic, kMagic.data(), kMagic.size()) != 0)
    return corrupt("it does not begin as one");
  if (fields.protection > 1 || (fields.zero[0] | fields.zero[1] | fields.zero[2]) != 0)
    return corrupt("a protection that this version does not know");
  if (fields.protection == 0 && !unused_is_zero(image->bytes()))
    return corrupt("unused bytes that are not zero");
  return image;
}

// Fills seed from the image.
result<void> unseal(KeyFileImage& image, const std::filesystem::path& path, std::string_view passphrase,
                    SecretBytes& seed) {
  auto* out = reinterpret_cast<unsigned char*>(seed.bytes().data());
  if (image.protection == 0) {
    std::memcpy(out, image.sealed, kSeedBytes);
    return {};
  }
  if (passphrase.empty())
    return fail(ErrorCode::unauthenticated, fmt::format("key file {} needs its passphrase", path.string()),
                path.string());
  const PassphraseCost cost{image.passes, image.memory_bytes};
  if (auto good = check_cost(cost, ErrorCode::corrupt); !good) return good;
  const auto key = passphrase_key(passphrase, image.salt, cost);
  if (!key) return fail(key.error());
  if (crypto_secretbox_open_easy(out, image.sealed, sizeof image.sealed, image.nonce,
                                 reinterpret_cast<const unsigned char*>(key->bytes().data())) != 0)
    return fail(ErrorCode::unauthenticated, fmt::format("wrong passphrase for key file {}", path.string()),
                path.string());
  return {};
}

}  // namespace

result<void> save_key_file(const std::filesystem::path& path, const SigningKey& key,
                           std::string_view passphrase, const PassphraseCost& cost) {
  auto image = LockedImage::allocate();
  if (!image) return fail(std::move(image.error()));
  KeyFileImage& fields = *image->operator->();
  std::memcpy(fields.magic, kMagic.data(), kMagic.size());
  std::memcpy(fields.public_key, key.public_key().data(), key.public_key().size());
  if (passphrase.empty()) {
    std::memcpy(fields.sealed, key.seed().data(), kSeedBytes);
    return write_new_file(path, image->bytes());
  }
  if (auto good = check_cost(cost, ErrorCode::invalid_argument); !good) return good;
  fields.protection = 1;
  fields.passes = cost.passes;
  fields.memory_bytes = cost.memory_bytes;
  randombytes_buf(fields.salt, sizeof fields.salt);
  randombytes_buf(fields.nonce, sizeof fields.nonce);
  const auto sealing_key = passphrase_key(passphrase, fields.salt, cost);
  if (!sealing_key) return fail(sealing_key.error());
  crypto_secretbox_easy(fields.sealed, reinterpret_cast<const unsigned char*>(key.seed().data()), kSeedBytes,
                        fields.nonce, reinterpret_cast<const unsigned char*>(sealing_key->bytes().data()));
  return write_new_file(path, image->bytes());
}

result<SigningKey> load_key_file(const std::filesystem::path& path, std::string_view passphrase) {
  auto image = read_image(path);
  if (!image) return fail(std::move(image.error()));
  auto seed = SecretBytes::allocate(kSeedBytes);
  if (!seed) return fail(std::move(seed.error()));
  KeyFileImage& fields = *image->operator->();
  if (auto opened = unseal(fields, path, passphrase, *seed); !opened) return fail(std::move(opened.error()));
  auto key = SigningKey::from_seed(std::as_const(*seed).bytes().first<kSeedBytes>());
  if (!key) return key;
  if (std::memcmp(key->public_key().data(), fields.public_key, sizeof fields.public_key) != 0)
    return fail(ErrorCode::corrupt,
                fmt::format("the secret in {} is not that of its public key", path.string()), path.string());
  return key;
}

result<KeyFileDescription> describe_key_file(const std::filesystem::path& path) {
  auto image = read_image(path);
  if (!image) return fail(std::move(image.error()));
  const KeyFileImage& fields = *image->operator->();
  KeyFileDescription description{{}, fields.protection != 0};
  std::memcpy(description.public_key.data(), fields.public_key, description.public_key.size());
  return description;
}

result<PublicKey> load_public_key(const std::filesystem::path& path) {
  const auto description = describe_key_file(path);
  if (!description) return fail(description.error());
  return description->public_key;
}

}  // namespace sovereign::crypto
