#include "gateway/canary/state_codec.h"

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <optional>

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 2;
constexpr std::size_t kLongestEvidence = 4096;

constexpr std::array kPhases = {CanaryPhase::running, CanaryPhase::rolled_back, CanaryPhase::promoted};
constexpr std::array kKinds = {CanaryEvent::Kind::started, CanaryEvent::Kind::looked,
                               CanaryEvent::Kind::rolled_back, CanaryEvent::Kind::promoted};

template <class List>
auto named(const List& list, std::string_view name) -> std::optional<typename List::value_type> {
  for (const auto each : list) {
    if (to_string(each) == name) return each;
  }
  return std::nullopt;
}

// Reads typed members; remembers when one was missing or of another type.
class Reader {
 public:
  explicit Reader(const json::value& value) : object_(value.if_object()), well_(object_ != nullptr) {}

  const json::value* member(std::string_view name) {
    const auto* found =
        object_ == nullptr ? nullptr : object_->if_contains(json::string_view(name.data(), name.size()));
    well_ = well_ && found != nullptr;
    return found;
  }
  std::string text(std::string_view name) {
    const auto* value = member(name);
    const auto* string = value == nullptr ? nullptr : value->if_string();
    well_ = well_ && string != nullptr;
    return string == nullptr ? std::string() : std::string(string->data(), string->size());
  }
  double number(std::string_view name) {
    const auto* value = member(name);
    return value == nullptr ? 0 : real(*value);
  }
  std::int64_t integer(std::string_view name) {
    const auto* value = member(name);
    const bool whole = value != nullptr && value->is_int64();
    well_ = well_ && whole;
    return whole ? value->get_int64() : 0;
  }
  const json::array* list(std::string_view name, std::size_t longest) {
    const auto* value = member(name);
    const auto* array = value == nullptr ? nullptr : value->if_array();
    well_ = well_ && array != nullptr && array->size() <= longest;
    return well_ ? array : nullptr;
  }
  double real(const json::value& value) {
    boost::system::error_code error;
    const double number = value.to_number<double>(error);
    well_ = well_ && !error && std::isfinite(number);
    return error ? 0 : number;
  }
  void require(bool condition) { well_ = well_ && condition; }
  bool well() const { return well_; }

 private:
  const json::object* object_;
  bool well_;
};

CanaryEvent read_event(const json::value& value, Reader& whole) {
  Reader fields(value);
  const auto kind = named(kKinds, fields.text("event"));
  CanaryEvent event{kind.value_or(CanaryEvent::Kind::started),
                    fields.integer("at_ms"),
                    fields.text("by"),
                    fields.text("why"),
                    fields.number("controls"),
                    fields.number("variants")};
  whole.require(kind.has_value() && fields.well());
  return event;
}

}  // namespace

std::string encode_state(const CanaryState& state) {
  json::array story;
  for (const CanaryEvent& event : state.story) {
    story.push_back({{"event", std::string(to_string(event.kind))},
                     {"at_ms", event.at_ms},
                     {"by", event.by},
                     {"why", event.why},
                     {"controls", event.controls},
                     {"variants", event.variants}});
  }
  json::array evidence;
  for (const double number : state.evidence) evidence.push_back(number);
  return json::serialize(json::object{{"version", kVersion},
                                      {"name", state.name},
                                      {"configuration", state.configuration},
                                      {"control", state.control},
                                      {"phase", std::string(to_string(state.phase))},
                                      {"started_ms", state.started_ms},
                                      {"looks", state.looks},
                                      {"story", std::move(story)},
                                      {"evidence", std::move(evidence)}}) +
         '\n';
}

result<CanaryState> decode_state(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return fail(ErrorCode::corrupt, "not JSON: " + error.message());
  Reader fields(value);
  fields.require(fields.integer("version") == kVersion);
  CanaryState state;
  state.name = fields.text("name");
  state.configuration = fields.text("configuration");
  state.control = fields.text("control");
  const auto phase = named(kPhases, fields.text("phase"));
  fields.require(phase.has_value());
  state.phase = phase.value_or(CanaryPhase::running);
  state.started_ms = fields.integer("started_ms");
  state.looks = fields.number("looks");
  if (const auto* story = fields.list("story", Canary::kStoryEvents)) {
    for (const auto& event : *story) state.story.push_back(read_event(event, fields));
  }
  if (const auto* evidence = fields.list("evidence", kLongestEvidence)) {
    for (const auto& number : *evidence) state.evidence.push_back(fields.real(number));
  }
  if (!fields.well()) return fail(ErrorCode::corrupt, "not the state of a canary");
  return state;
}

}  // namespace sovereign::gateway
