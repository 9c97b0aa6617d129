// A lock-free queue from many threads to one: how requests reach the engine thread.
//
// Producers push onto a Treiber stack, the consumer takes the whole stack at once and reverses it, so
// there is no ABA question, messages of one producer keep their order, and no side ever waits for a lock.
// push() may be called from any thread; take_all() and wait() from one consumer.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace sovereign::engine {

template <class Message>
class Mailbox {
 public:
  Mailbox() = default;
  ~Mailbox() { take_all(); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void push(Message message) {
    auto* node = new Node{std::move(message), top_.load(std::memory_order_relaxed)};
    while (!top_.compare_exchange_weak(node->below, node, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
    pushes_.fetch_add(1, std::memory_order_release);
    pushes_.notify_one();
  }

  // Everything pushed so far, oldest first.
  std::vector<Message> take_all() {
    std::vector<Message> messages;
    Node* node = top_.exchange(nullptr, std::memory_order_acquire);
    while (node != nullptr) {
      messages.push_back(std::move(node->message));
      delete std::exchange(node, node->below);
    }
    return {std::make_move_iterator(messages.rbegin()), std::make_move_iterator(messages.rend())};
  }

  // Returns when something was pushed that take_all() has not taken.
  void wait() {
    std::uint32_t seen = pushes_.load(std::memory_order_acquire);
    while (top_.load(std::memory_order_acquire) == nullptr) {
      pushes_.wait(seen, std::memory_order_acquire);
      seen = pushes_.load(std::memory_order_acquire);
    }
  }

 private:
  struct Node {
    Message message;
    Node* below;
  };
  std::atomic<Node*> top_{nullptr};
  std::atomic<std::uint32_t> pushes_{0};
};

}  // namespace sovereign::engine
