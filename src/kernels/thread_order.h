// Tells the thread sanitizer what ggml's barriers order: it does not see into ggml, which is not
// instrumented, and would take every hand-over between its threads for a race. Nothing in other builds.
#pragma once

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace sovereign::kernels {

// From construction to destruction: one thread's part of one graph node.
class ThreadOrder {
 public:
  ThreadOrder() { acquire(); }
  ~ThreadOrder() { release(); }
  ThreadOrder(const ThreadOrder&) = delete;
  ThreadOrder& operator=(const ThreadOrder&) = delete;

#if defined(__SANITIZE_THREAD__)
  void acquire() { __tsan_acquire(&barrier_); }
  void release() { __tsan_release(&barrier_); }

 private:
  inline static char barrier_ = 0;
#else
  void acquire() {}
  void release() {}
#endif
};

}  // namespace sovereign::kernels
