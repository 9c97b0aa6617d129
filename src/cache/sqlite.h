// SQLite's C API as values: a connection and a statement that close themselves, errors as result<T>.
//
// A connection and its statements belong to one thread at a time (SQLITE_OPEN_NOMUTEX). Errors:
// resource_exhausted (disk or file full), corrupt (not a database, or damaged), unavailable (locked,
// unreadable, I/O), internal (misuse or bad SQL). Statements must die before their connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sovereign::cache {

class SqliteStatement {
 public:
  // Parameters count from 1. A bound blob must live until the statement is reset.
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view blob);

  // True: there is a row. After false, or an error, the statement is reset and can be used again.
  result<bool> step();
  // step() to the end, rows ignored.
  result<void> run();
  void reset();

  // Columns count from 0. The blob lives until the next step() or reset().
  std::int64_t integer(int column) const;
  std::string_view blob(int column) const;

 private:
  friend class SqliteConnection;
  struct Close {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

class SqliteConnection {
 public:
  enum class Access { read_write_create, read_only };

  // `vfs` names SQLite's door to the file system; empty: the machine's own.
  static result<SqliteConnection> open(const std::string& path, Access access, const std::string& vfs);

  // One or more statements, rows ignored.
  result<void> execute(const char* sql);
  result<SqliteStatement> prepare(const char* sql);
  // Rows that the last statement changed.
  std::int64_t changes() const;
  bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit SqliteConnection(sqlite3* connection) : connection_(connection) {}
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace sovereign::cache
