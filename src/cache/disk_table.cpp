#include "cache/disk_table.h"

#include <fcntl.h>
#include <unistd.h>

#include "cache/disk_file.h"

namespace sovereign::cache {
namespace {

constexpr std::int64_t kEvictAtOnce = 64;  // rows

// A WAL past 16 MB is cut back at the next checkpoint.
constexpr const char* kConnectionSettings =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA journal_size_limit = 16777216;"
    "PRAGMA cache_size = -4096;"
    "PRAGMA temp_store = MEMORY;";

constexpr const char* kSchema =
    "CREATE TABLE entry(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, record BLOB NOT NULL);"
    "CREATE TABLE meta(stamp BLOB NOT NULL);";

std::string_view bytes_of(const Hash128& hash) { return {reinterpret_cast<const char*>(&hash), sizeof hash}; }

// Steps a prepared statement once and reads the first column.
result<std::int64_t> read_integer(SqliteStatement& statement) {
  const auto row = statement.step();
  if (!row) return fail(row.error());
  const std::int64_t value = *row ? statement.integer(0) : 0;
  statement.reset();
  return value;
}

result<std::int64_t> query_integer(SqliteConnection& connection, const char* sql) {
  auto statement = connection.prepare(sql);
  if (!statement) return fail(statement.error());
  return read_integer(*statement);
}

}  // namespace

std::uint64_t DiskTable::page_bytes(std::size_t record_size) {
  // A page holds 4,092 bytes of an overflowing record; the row's head and its place in the index of
  // hashes take a part of one more.
  return (record_size + 4091) / 4092 * 4096 + 128;
}

result<DiskTable> DiskTable::open(const DiskTableConfig& config, const Stamp& stamp) {
  if (const auto owner = owner_of_disk_file(config.path); !owner) return fail(owner.error());
  // SQLite gives its other files the mode of this one. Prompts are in it: nobody else's business.
  const int file = ::open(config.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
  auto connection =
      SqliteConnection::open(config.path, SqliteConnection::Access::read_write_create, config.vfs);
  if (!connection) return fail(connection.error());
  DiskTable table(std::move(*connection), config.max_bytes);
  const auto objects = query_integer(table.connection_, "SELECT count(*) FROM sqlite_schema");
  if (!objects) return fail(objects.error());
  // None: the file is new, or was torn down between creation and first commit.
  if (auto done = *objects == 0 ? table.create(stamp) : table.check_stamp(stamp); !done) {
    return fail(done.error());
  }
  if (auto done = table.connection_.execute(kConnectionSettings); !done) return fail(done.error());
  if (auto done = table.connection_.execute(config.sync_every_commit ? "PRAGMA synchronous = FULL"
                                                                     : "PRAGMA synchronous = NORMAL");
      !done) {
    return fail(done.error());
  }
  if (auto done = table.prepare_statements(); !done) return fail(done.error());
  if (auto done = table.measure(); !done) return fail(done.error());
  return table;
}

// In one transaction, and before there is a write-ahead log: the mark by which the file is known again must
// be in the file itself from its first page on.
result<void> DiskTable::create(const Stamp& stamp) {
  if (auto done = connection_.execute("BEGIN IMMEDIATE"); !done) return done;
  if (auto done = connection_.execute(kSchema); !done) return done;
  auto insert = connection_.prepare("INSERT INTO meta(stamp) VALUES(?)");
  if (!insert) return fail(insert.error());
  insert->bind(1, bytes_of(stamp.fingerprint()));
  if (auto done = insert->run(); !done) return done;
  const std::string set_id = "PRAGMA application_id = " + std::to_string(kDiskApplicationId) + "; COMMIT";
  return connection_.execute(set_id.c_str());
}

result<void> DiskTable::check_stamp(const Stamp& stamp) {
  auto select = connection_.prepare("SELECT stamp FROM meta");
  if (!select) return fail(ErrorCode::corrupt, select.error().message);
  const auto row = select->step();
  if (!row) return fail(row.error());
  if (!*row || select->blob(0) != bytes_of(stamp.fingerprint())) {
    return fail(ErrorCode::unsupported, "The cache's file is from another version or model.");
  }
  return {};
}

result<void> DiskTable::prepare_statements() {
  const auto prepare = [this](std::optional<SqliteStatement>& into, const char* sql) -> result<void> {
    auto statement = connection_.prepare(sql);
    if (!statement) return fail(statement.error());
    into.emplace(std::move(*statement));
    return {};
  };
  return prepare(insert_, "INSERT INTO entry(id, hash, record) VALUES(?, ?, ?)")
      .and_then([&] { return prepare(erase_, "DELETE FROM entry WHERE hash = ?"); })
      .and_then([&] { return prepare(touch_, "UPDATE entry SET id = ? WHERE hash = ?"); })
      .and_then([&] {
        return prepare(evict_, "DELETE FROM entry WHERE id IN (SELECT id FROM entry ORDER BY id LIMIT ?)");
      })
      .and_then([&] { return prepare(page_count_, "PRAGMA page_count"); })
      .and_then([&] { return prepare(free_count_, "PRAGMA freelist_count"); });
}

// Counting walks the index of hashes, not the records.
result<void> DiskTable::measure() {
  const auto entries = query_integer(connection_, "SELECT count(*) FROM entry");
  if (!entries) return fail(entries.error());
  const auto last_id = query_integer(connection_, "SELECT max(id) FROM entry");
  if (!last_id) return fail(last_id.error());
  const auto page_size = query_integer(connection_, "PRAGMA page_size");
  if (!page_size) return fail(page_size.error());
  entries_ = static_cast<std::uint64_t>(*entries);
  next_id_ = *last_id + 1;
  page_size_ = static_cast<std::uint64_t>(*page_size);
  return make_room(0);
}

result<void> DiskTable::begin() {
  entries_at_begin_ = entries_;
  return connection_.execute("BEGIN IMMEDIATE");
}

result<void> DiskTable::commit() { return connection_.execute("COMMIT"); }

void DiskTable::rollback() {
  // SQLite has rolled back by itself after some errors.
  if (connection_.in_transaction()) (void)connection_.execute("ROLLBACK");
  entries_ = entries_at_begin_;
  used_bytes_ = 0;  // unknown: the next make_room() measures
}

// used_bytes_ is exact after this, and an upper estimate between calls that found room.
result<void> DiskTable::make_room(std::uint64_t bytes) {
  if (used_bytes_ != 0 && used_bytes_ + bytes <= max_bytes_) return {};
  for (;;) {
    const auto pages = read_integer(*page_count_);
    if (!pages) return fail(pages.error());
    const auto free_pages = read_integer(*free_count_);
    if (!free_pages) return fail(free_pages.error());
    used_bytes_ = static_cast<std::uint64_t>(*pages - *free_pages) * page_size_;
    if (used_bytes_ + bytes <= max_bytes_ || entries_ == 0) return {};
    evict_->bind(1, kEvictAtOnce);
    if (auto done = evict_->run(); !done) return done;
    const auto evicted = static_cast<std::uint64_t>(connection_.changes());
    entries_ -= evicted;
    evictions_ += evicted;
    if (evicted == 0) return fail(ErrorCode::corrupt, "The cache's table and its index disagree.");
  }
}

result<void> DiskTable::put(const Hash128& hash, std::string_view record) {
  if (!fits(record.size())) {
    return fail(ErrorCode::resource_exhausted, "A cache record is larger than the cache on disk may be.");
  }
  if (auto done = erase(hash); !done) return done;
  if (auto done = make_room(page_bytes(record.size())); !done) return done;
  insert_->bind(1, next_id_);
  insert_->bind(2, bytes_of(hash));
  insert_->bind(3, record);
  if (auto done = insert_->run(); !done) return done;
  ++next_id_;
  ++entries_;
  used_bytes_ += page_bytes(record.size());
  return {};
}

result<void> DiskTable::erase(const Hash128& hash) {
  erase_->bind(1, bytes_of(hash));
  if (auto done = erase_->run(); !done) return done;
  entries_ -= static_cast<std::uint64_t>(connection_.changes());
  return {};
}

result<void> DiskTable::touch(const Hash128& hash) {
  touch_->bind(1, next_id_);
  touch_->bind(2, bytes_of(hash));
  if (auto done = touch_->run(); !done) return done;
  next_id_ += connection_.changes();
  return {};
}

result<void> DiskTable::clear() {
  if (auto done = connection_.execute("DELETE FROM entry"); !done) return done;
  entries_ = 0;
  used_bytes_ = 0;
  return make_room(0);
}

result<DiskReader> DiskReader::open(const std::string& path, const std::string& vfs) {
  auto connection = SqliteConnection::open(path, SqliteConnection::Access::read_only, vfs);
  if (!connection) return fail(connection.error());
  auto select = connection->prepare("SELECT record FROM entry WHERE hash = ?");
  if (!select) return fail(select.error());
  return DiskReader(std::move(*connection), std::move(*select));
}

result<std::optional<std::string>> DiskReader::get(const Hash128& hash) {
  select_.bind(1, bytes_of(hash));
  const auto row = select_.step();
  if (!row) return fail(row.error());
  std::optional<std::string> record;
  if (*row) record.emplace(select_.blob(0));
  select_.reset();
  return record;
}

}  // namespace sovereign::cache
