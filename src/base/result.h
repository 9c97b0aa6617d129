// The error type of every path that a user or a peer can reach.
//
// `result<T>` is either a T or an Error. Functions that can fail because of input, files, sockets or
// a model return it; exceptions never cross a module border (engine, replica, connection).
// Errors carry what went wrong, where, and what to do, in one sentence for a person.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace sovereign {

// What kind of failure it is: an API adapter turns it into a status code, a command into an exit code.
enum class ErrorCode {
  invalid_argument,    // the caller's input is wrong; repeating it will not help
  not_found,           // a file, model, key or entry does not exist
  already_exists,      // a port, file or id is taken
  unauthenticated,     // no credentials, or wrong ones
  permission_denied,   // credentials are fine, the action is not allowed
  resource_exhausted,  // a bound was reached (queue, rate, memory, disk); try later
  unavailable,         // the thing exists and cannot serve now (loading, draining, dead peer)
  deadline_exceeded,   // time ran out
  cancelled,           // the caller went away
  unsupported,         // this build, model or backend cannot do it
  corrupt,             // bytes on disk or on the wire are not what they must be
  internal,            // a bug or a failure of a library below us
};

// Stable lower-case name, e.g. "invalid_argument"; for logs and JSON.
std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;  // what, where, what to do; no trailing newline
  std::string where;    // the parameter, configuration key or path at fault; may be empty
};

template <class T>
using result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string where = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(where)});
}

// Passes an error of one result type on as another's.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace sovereign
