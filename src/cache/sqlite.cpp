#include "cache/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace sovereign::cache {
namespace {

constexpr int kBusyTimeoutMs = 1000;

ErrorCode code_of(int status) {
  switch (status & 0xff) {
    case SQLITE_FULL: return ErrorCode::resource_exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ErrorCode::unavailable;
    default: return ErrorCode::internal;
  }
}

tl::unexpected<Error> failure(sqlite3* connection, std::string_view doing) {
  const int status = sqlite3_extended_errcode(connection);
  return fail(code_of(status),
              fmt::format("SQLite, {}: {} ({}).", doing, sqlite3_errmsg(connection), status));
}

}  // namespace

void SqliteStatement::Close::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void SqliteConnection::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

void SqliteStatement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
}

void SqliteStatement::bind(int parameter, std::string_view blob) {
  sqlite3_bind_blob64(statement_.get(), parameter, blob.data(), blob.size(), SQLITE_STATIC);
}

result<bool> SqliteStatement::step() {
  const int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = failure(sqlite3_db_handle(statement_.get()), sqlite3_sql(statement_.get()));
  reset();
  return error;
}

result<void> SqliteStatement::run() {
  for (;;) {
    const auto row = step();
    if (!row) return fail(row.error());
    if (!*row) return {};
  }
}

void SqliteStatement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view SqliteStatement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<std::size_t>(size));
}

result<SqliteConnection> SqliteConnection::open(const std::string& path, Access access,
                                                const std::string& vfs) {
  const int flags =
      SQLITE_OPEN_NOMUTEX |
      (access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* raw = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &raw, flags, vfs.empty() ? nullptr : vfs.c_str());
  SqliteConnection connection(raw);
  if (raw == nullptr) return fail(ErrorCode::internal, "SQLite could not allocate a connection.");
  if (status != SQLITE_OK) return failure(raw, "opening " + path);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return connection;
}

result<void> SqliteConnection::execute(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(connection_.get(), sql);
  }
  return {};
}

result<SqliteStatement> SqliteConnection::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return failure(connection_.get(), sql);
  }
  return SqliteStatement(statement);
}

std::int64_t SqliteConnection::changes() const { return sqlite3_changes64(connection_.get()); }

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

}  // namespace sovereign::cache
