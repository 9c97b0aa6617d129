#include "base/deep_call.h"

#include <pthread.h>
#include <unistd.h>

#include <exception>

namespace sovereign {
namespace {

struct Call {
  const std::function<void()>& work;
  std::exception_ptr thrown;
};

void* run(void* argument) {
  Call& call = *static_cast<Call*>(argument);
  try {
    call.work();
  } catch (...) {
    call.thrown = std::current_exception();
  }
  return nullptr;
}

}  // namespace

bool call_on_stack(std::size_t stack_bytes, const std::function<void()>& work) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  Call call{work, nullptr};
  pthread_t thread{};
  const bool called = pthread_attr_setstacksize(&attributes, (stack_bytes + page - 1) / page * page) == 0 &&
                      pthread_create(&thread, &attributes, run, &call) == 0;
  pthread_attr_destroy(&attributes);
  if (!called) return false;
  pthread_join(thread, nullptr);
  if (call.thrown) std::rethrow_exception(call.thrown);
  return true;
}

}  // namespace sovereign
