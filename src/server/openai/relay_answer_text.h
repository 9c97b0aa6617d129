// What clients are told of an answer that came from a server elsewhere. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sovereign::server::openai {

// The answer's JSON with that name of its model, as chats tell it: the backend's, not what its server says.
std::string relayed_body(std::string_view json, std::string_view model);

// The same as the payload of one event, which is one line.
std::string relayed_event(std::string_view json, std::string_view model);

}  // namespace sovereign::server::openai
