// llama.cpp's and ggml's log lines, sent to ours.
#pragma once

#include <string>

namespace sovereign::engine {

// Starts llama.cpp's backends and routes its logging to spdlog, once per process; later calls return at
// once. Thread-safe. Its errors and warnings keep their level; what it calls information is debug to us,
// because it describes its inside (each tensor's buffer, each key of the file).
void start_llama();

// What llama.cpp last called an error on this thread, and forgets it: its functions only return null.
std::string take_last_llama_error();

}  // namespace sovereign::engine
