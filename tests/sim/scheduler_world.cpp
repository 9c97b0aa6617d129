#include "sim/scheduler_world.h"

#include <algorithm>
#include <set>

namespace sovereign::engine::sim {

namespace {

constexpr std::uint32_t kVocabulary = 5;  // small, so that prefixes collide by chance too
constexpr std::uint64_t kArrivalSteps = 50;
constexpr std::uint64_t kBusyArrivalSteps = 1'000;
constexpr std::uint64_t kWaitSlack = 64;  // steps, beside the work ahead
constexpr std::uint64_t kStepsBound = 20'000;

}  // namespace

SchedulerConfig SchedulerWorld::random_config(std::mt19937_64& random) {
  const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  SchedulerConfig config;
  config.kv_cells = 24 + below(200);
  config.max_sequences = 1 + below(8);
  config.max_cached_prefixes = below(8);
  config.step_token_budget = config.max_sequences + below(64);
  config.prefill_chunk_tokens = 1 + below(24);
  config.prefix_sharing = below(8) != 0;
  config.step_draft_tokens = below(4) == 0 ? 0 : below(24);
  return config;
}

SchedulerWorld::SchedulerWorld(std::uint64_t seed, bool busy)
    : random_(seed),
      config_(random_config(random_)),
      scheduler_(config_),
      cache_(config_.max_sequences + config_.max_cached_prefixes),
      wrong_drafts_percent_(below(101)),
      arrival_steps_(busy ? kBusyArrivalSteps : kArrivalSteps) {
  for (int i = 0; i < 3; ++i) {
    auto& prompt = system_prompts_.emplace_back(1 + below(config_.kv_cells / 2));
    for (Token& token : prompt) token = static_cast<Token>(below(kVocabulary));
  }
}

WorldReport SchedulerWorld::run() {
  while (!report_.violation && report_.steps < kStepsBound) {
    if (report_.steps < arrival_steps_) {
      while (below(3) == 0) arrive();
      if (below(12) == 0) cancel_someone();
    } else if (scheduler_.idle()) {
      break;
    }
    step();
    clock_.advance(std::chrono::milliseconds(1));
  }
  if (!report_.violation && report_.steps == kStepsBound) violate("the run does not end: someone starves");
  if (!report_.violation) step();  // carries out what the last apply() left to do
  if (!report_.violation && !clients_.empty()) violate("a sequence was lost");
  return report_;
}

void SchedulerWorld::arrive() {
  Client client;
  client.prompt = system_prompts_[below(static_cast<std::uint32_t>(system_prompts_.size()))];
  client.prompt.resize(1 + below(static_cast<std::uint32_t>(client.prompt.size())));
  for (std::uint32_t i = below(6); i > 0 && client.prompt.size() < config_.kv_cells; --i) {
    client.prompt.push_back(static_cast<Token>(below(kVocabulary)));
  }
  const auto room = config_.kv_cells - static_cast<std::uint32_t>(client.prompt.size());
  client.wanted_tokens = 1 + below(std::min(room + 1, 40U));
  if (below(10) == 0) client.deadline = clock_.now() + std::chrono::milliseconds(below(60));

  std::uint64_t ahead = 0;
  for (const auto& [id, other] : clients_) ahead += other.work();
  const std::uint32_t choices = below(6) == 0 ? 3 : 1;  // n > 1: the same prompt at once
  for (std::uint32_t i = 0; i < choices; ++i) {
    const SequenceId id = next_id_++;
    scheduler_.add({id, client.prompt, client.deadline});
    ahead += client.work();
    client.last_step = report_.steps + 2 * ahead + kWaitSlack;
    clients_.emplace(id, client);
  }
}

void SchedulerWorld::cancel_someone() {
  if (clients_.empty()) return;
  const auto chosen = std::next(clients_.begin(), below(static_cast<std::uint32_t>(clients_.size())));
  scheduler_.cancel(chosen->first);
  clients_.erase(chosen);
  ++report_.cancelled;
}

void SchedulerWorld::offer_drafts() {
  for (const SequenceId id : scheduler_.decoding()) {
    if (below(4) == 0) continue;
    const Client& client = clients_.at(id);
    std::vector<Token> context = client.prompt;
    context.insert(context.end(), client.output.begin(), client.output.end());
    std::vector<Token> draft(below(10));
    for (Token& token : draft) {
      token = next_token(context);
      if (below(100) < wrong_drafts_percent_) token = static_cast<Token>(below(kVocabulary));
      context.push_back(token);
    }
    scheduler_.offer_draft(id, std::move(draft));
  }
}

void SchedulerWorld::step() {
  ++report_.steps;
  std::optional<SequenceId> oldest_running;
  for (const auto& [id, client] : clients_) {
    if (client.runs != 0) {
      oldest_running = id;
      break;
    }
  }
  const bool had_work = !scheduler_.idle();
  offer_drafts();
  const Plan plan = scheduler_.plan(clock_.now());

  for (const SequenceId id : plan.expired) {
    const auto client = clients_.find(id);
    if (client == clients_.end() || !client->second.deadline || *client->second.deadline > clock_.now()) {
      return violate("expired without a passed deadline");
    }
    clients_.erase(client);
    ++report_.expired;
  }
  for (const SequenceId id : plan.preempted) {
    if (id == oldest_running) return violate("the oldest running sequence was preempted");
    ++report_.preemptions;
  }
  for (const KvOp& op : plan.kv_ops) {
    if (const auto wrong = cache_.apply(op)) return violate(*wrong);
  }
  for (const Admission& admission : plan.admitted) {
    report_.shared_tokens += admission.shared_tokens;
    ++clients_.at(admission.sequence).runs;
  }
  for (const SequenceId id : plan.preempted) --clients_.at(id).runs;
  for (const auto& [id, client] : clients_) {
    if (client.runs != 0 && client.runs != 1) return violate("admitted twice, or preempted while it waited");
  }
  check_order(plan);
  check_waits();
  check_rows(plan);
  check_accounts();
  if (report_.violation) return;
  if (had_work && plan.rows.empty() && !scheduler_.idle())
    return violate("work is there and nothing was planned");

  if (!plan.rows.empty() && below(200) == 0) {
    for (const SequenceId id : scheduler_.fail(plan)) {
      clients_.erase(id);
      ++report_.failed;
    }
    return;
  }

  sample(plan);
}

void SchedulerWorld::sample(const Plan& plan) {
  std::vector<Sampled> sampled;
  for (auto row = plan.rows.begin(); row != plan.rows.end(); ++row) {
    if (!row->wants_logits) continue;
    Client& client = clients_.at(row->sequence);
    std::vector<Token> alone = client.prompt;
    alone.insert(alone.end(), client.output.begin(), client.output.end());
    auto seen = cache_.tokens(row->slot);
    seen.resize(row->position + 1);
    if (seen != alone) return violate("the cache does not hold the sequence's own tokens");
    const Token token = next_token(alone);
    client.output.push_back(token);
    const bool finished = client.output.size() == client.wanted_tokens;
    sampled.push_back({row->sequence, token, finished});
    if (row->draft) ++report_.accepted_tokens;
    const auto next = std::next(row);
    const bool goes_on = !finished && next != plan.rows.end() && next->draft && next->token == token;
    if (finished) {
      clients_.erase(row->sequence);
      ++report_.finished;
    }
    if (goes_on) continue;
    while (std::next(row) != plan.rows.end() && std::next(row)->draft) ++row;
  }
  scheduler_.apply(sampled);
}

// First come, first served: who is passed over waits for a prefix that a running sequence may share with it.
// The youngest are preempted.
void SchedulerWorld::check_order(const Plan& plan) {
  std::set<SequenceId> admitted;
  for (const Admission& admission : plan.admitted) admitted.insert(admission.sequence);
  const auto runs = [&](SequenceId id, const Client& client) {
    return client.runs != 0 || admitted.contains(id) ||
           std::find(plan.preempted.begin(), plan.preempted.end(), id) != plan.preempted.end();
  };
  for (const auto& [waiting, client] : clients_) {
    if (client.runs != 0 || admitted.contains(waiting) || admitted.upper_bound(waiting) == admitted.end())
      continue;
    const bool may_be_held =
        config_.prefix_sharing && std::any_of(clients_.begin(), clients_.end(), [&](const auto& other) {
          return other.first != waiting && runs(other.first, other.second) &&
                 other.second.prompt.front() == client.prompt.front();
        });
    if (!may_be_held) return violate("a younger sequence was admitted before one that waits for nobody");
  }
  for (const SequenceId preempted : plan.preempted) {
    for (auto younger = clients_.upper_bound(preempted); younger != clients_.end(); ++younger) {
      if (younger->second.runs != 0 && !admitted.contains(younger->first)) {
        return violate("a sequence was preempted before a younger one");
      }
    }
  }
}

void SchedulerWorld::check_waits() {
  for (const auto& [id, client] : clients_) {
    if (report_.steps > client.last_step) return violate("sequence " + std::to_string(id) + " starves");
  }
}

void SchedulerWorld::check_rows(const Plan& plan) {
  if (plan.rows.size() > config_.step_token_budget) return violate("more rows than the budget");
  std::map<SequenceId, std::uint32_t> rows_of;
  std::map<Slot, SequenceId> owner;
  std::map<SequenceId, bool> ended;
  std::uint32_t drafts = 0;
  const Row* before = nullptr;
  for (const Row& row : plan.rows) {
    const auto client = clients_.find(row.sequence);
    if (client == clients_.end()) return violate("a row of nobody");
    if (owner.emplace(row.slot, row.sequence).first->second != row.sequence)
      return violate("two in one slot");
    if (row.draft) {
      if (before == nullptr || before->sequence != row.sequence || !before->wants_logits ||
          !row.wants_logits) {
        return violate("a draft that does not follow its sequence's last token");
      }
      if (const auto wrong = cache_.decode(row)) return violate(*wrong);
      before = &row;
      ++drafts;
      continue;
    }
    before = &row;
    if (ended[row.sequence]) return violate("rows after the last known token");
    const auto known = client->second.prompt.size() + client->second.output.size();
    const Token expected = row.position < client->second.prompt.size()
                               ? client->second.prompt[row.position]
                               : client->second.output.at(row.position - client->second.prompt.size());
    if (row.token != expected) return violate("a wrong token at a position");
    if (row.wants_logits != (row.position + 1 == known)) return violate("logits asked for at the wrong row");
    if (const auto wrong = cache_.decode(row)) return violate(*wrong);
    ended[row.sequence] = row.wants_logits;
    if (client->second.runs == 0) return violate("a row of one that was not admitted");
    ++rows_of[row.sequence];
    ++report_.computed_tokens;
  }
  if (drafts != plan.draft_tokens || drafts > config_.step_draft_tokens) return violate("too many drafts");
  report_.drafted_tokens += drafts;
  std::set<SequenceId> just_admitted;
  for (const Admission& admission : plan.admitted) just_admitted.insert(admission.sequence);
  bool someone_decodes = false;
  std::uint32_t prefill = 0;
  for (const auto& [id, count] : rows_of) {
    if (count == 1 && ended[id] && !just_admitted.contains(id)) {
      someone_decodes = true;
    } else {
      prefill += count;
    }
  }
  if (someone_decodes && prefill > config_.prefill_chunk_tokens) {
    return violate("prefill beyond its chunk while others decode");
  }
  if (rows_of.size() > config_.max_sequences) return violate("more sequences than allowed");
}

void SchedulerWorld::check_accounts() {
  if (cache_.used() > config_.kv_cells) return violate("more cells than the cache has");
  if (scheduler_.ledger().used_cells() != cache_.used()) {
    return violate("the ledger says " + std::to_string(scheduler_.ledger().used_cells()) +
                   " cells, the cache has " + std::to_string(cache_.used()));
  }
  if (scheduler_.waiting() + scheduler_.running() != clients_.size())
    return violate("sequences do not add up");
  if (scheduler_.idle() && config_.max_cached_prefixes == 0 && scheduler_.ledger().used_cells() != 0) {
    return violate("cells leaked");
  }
  if (scheduler_.ledger().used_cells() == 0 && scheduler_.prefixes().nodes() != 0)
    return violate("the index leaked");
}

void SchedulerWorld::violate(const std::string& what) {
  if (!report_.violation) report_.violation = "step " + std::to_string(report_.steps) + ": " + what;
}

Token SchedulerWorld::next_token(const std::vector<Token>& context) const {
  std::uint64_t hash = 1469598103934665603ULL;
  for (const Token token : context) hash = (hash ^ static_cast<std::uint64_t>(token)) * 1099511628211ULL;
  return static_cast<Token>((hash >> 32) % kVocabulary);
}

}  // namespace sovereign::engine::sim
