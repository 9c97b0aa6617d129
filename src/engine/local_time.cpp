// llama.cpp asks for the local time with std::localtime() whenever a chat is rendered, and that writes to one
// object of the whole process: two threads that render would write it at once. The linker leads its calls
// here (--wrap, in CMakeLists.txt), to an object for each thread.
#include <ctime>

// NOLINTBEGIN(readability-identifier-naming): the linker's name
extern "C" std::tm* __wrap_localtime(const std::time_t* time);

std::tm* __wrap_localtime(const std::time_t* time) {
  thread_local std::tm own{};
  return localtime_r(time, &own);
}
// NOLINTEND(readability-identifier-naming)
