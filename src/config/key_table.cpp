#include "config/key_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/canary_keys.h"
#include "config/key_makers.h"
#include "config/key_rules.h"
#include "config/quality_keys.h"
#include "config/suggest.h"

namespace sovereign::config {
namespace {

#define FIELD(path) \
  [](Settings & s) -> auto& { return s.path; }

void add_model_keys(std::vector<Key>& keys) {
  keys.push_back(make("model.enabled", "", Kind::boolean, FIELD(model.enabled),
                      "Serve a model in this process; false: only the backends answer."));
  keys.push_back(
      make("model.path", "--model", Kind::model, FIELD(model.path),
           "GGUF file, or the name of a model in the models directory; empty: the default model."));
  keys.push_back(make("model.name", "--alias", Kind::text, FIELD(model.name),
                      "Name under which clients ask for the model; empty: the file's name without .gguf."));
  keys.push_back(make("model.chat_template", "--chat-template", Kind::path, FIELD(model.chat_template),
                      "File with a Jinja chat template to use in place of the model's own."));
  keys.push_back(make("model.fetch", "--fetch", Kind::boolean, FIELD(model.fetch),
                      "Download the default model when it is wanted and missing."));
  keys.push_back(
      number("model.memory_budget", "", Kind::size, FIELD(model.memory_budget), 0, 16'384 * kGiB,
             "Memory of all models together, with their KV caches: [models.NAME] leave it for each "
             "other, the least recently used first; 0: no limit."));
  keys.push_back(number("model.load_timeout", "", Kind::duration, FIELD(model.load_timeout), kMs, 24 * kHour,
                        "Longest wait of a request for its model to come into memory."));
}

void add_engine_keys(std::vector<Key>& keys) {
  keys.push_back(number(
      "engine.context_tokens", "--context", Kind::integer, FIELD(engine.context_tokens), 16, 16 * kMillion,
      "Longest sequence, prompt and answer together; no more than the model was made for."));
  keys.push_back(number("engine.kv_cells", "--kv-cells", Kind::integer, FIELD(engine.kv_cells), 16,
                        64 * kMillion, "Size of the KV cache in tokens, shared by all sequences."));
  keys.push_back(number("engine.max_sequences", "--parallel", Kind::integer, FIELD(engine.max_sequences), 1,
                        256, "Sequences that decode together in one batch."));
  keys.push_back(
      number("engine.max_cached_prefixes", "", Kind::integer, FIELD(engine.max_cached_prefixes), 0, 255,
             "Finished sequences whose KV cells are kept, so that a later prompt can begin with them."));
  keys.push_back(number("engine.step_token_budget", "", Kind::integer, FIELD(engine.step_token_budget), 1,
                        65536, "Most tokens in one step, prompts and answers together."));
  keys.push_back(number("engine.prefill_chunk_tokens", "", Kind::integer, FIELD(engine.prefill_chunk_tokens),
                        0, 65536,
                        "Most prompt tokens in a step while other answers are being written; smaller keeps "
                        "their pace steadier, larger reads prompts sooner. 0: 48, or the whole of "
                        "engine.step_token_budget with layers on a GPU."));
  keys.push_back(number("engine.max_queued", "", Kind::integer, FIELD(engine.max_queued), 1, kMillion,
                        "Requests that may wait; one more is refused with status 429."));
  keys.push_back(number("engine.threads", "--threads", Kind::integer, FIELD(engine.threads), 0, 1024,
                        "Compute threads; 0: one per physical core."));
  keys.push_back(number("engine.pool", "", Kind::integer, FIELD(engine.pool), 1, 64,
                        "Engines over one copy of the weights, each with its share of threads, KV cells and "
                        "sequences; make bench-gateway compares them with one large batch."));
  keys.push_back(make("engine.prefix_sharing", "", Kind::boolean, FIELD(engine.prefix_sharing),
                      "Compute a beginning that prompts have in common only once."));
  keys.push_back(make("engine.flash_attention", "", Kind::boolean, FIELD(engine.flash_attention),
                      "Use llama.cpp's flash attention."));
  using Kernels = engine::Kernels;
  keys.push_back(enumeration<Kernels>("engine.kernels", FIELD(engine.kernels),
                                      {{"auto", Kernels::automatic}, {"stock", Kernels::stock}},
                                      "Who multiplies quantized weights on the CPU; auto: this program's own "
                                      "kernels where the CPU has what they "
                                      "take (AVX2); stock: llama.cpp's."));
  keys.push_back(
      make("engine.deterministic", "--deterministic", Kind::boolean, FIELD(engine.deterministic),
           "The same request gives the same tokens whatever else is computed with it, and after a restart; "
           "a request without a seed gets one from its prompt. Refused where it cannot be kept."));
  using Speculation = engine::Speculation;
  keys.push_back(enumeration<Speculation>("engine.speculation", FIELD(engine.speculation),
                                          {{"off", Speculation::off},
                                           {"prompt_lookup", Speculation::prompt_lookup},
                                           {"draft", Speculation::draft}},
                                          "Guess tokens ahead and check several at a time; answers stay the "
                                          "same. prompt_lookup: from the prompt and "
                                          "the answer so far; draft: by engine.draft_model."));
  keys.push_back(make("engine.draft_model", "--draft-model", Kind::model, FIELD(engine.draft_model),
                      "GGUF file, or the name of a model in the models directory, that guesses for "
                      "engine.speculation = \"draft\"; smaller than the model, with the same vocabulary."));
  keys.push_back(
      number("engine.max_draft_tokens", "", Kind::integer, FIELD(engine.max_draft_tokens), 1, 64,
             "Most tokens guessed for one sequence in a step; how many it is follows from how often "
             "they are right."));
  keys.push_back(number("engine.step_draft_tokens", "", Kind::integer, FIELD(engine.step_draft_tokens), 1,
                        4096, "Most tokens guessed for all sequences together in a step."));
  keys.push_back(number("engine.gpu_layers", "--gpu-layers", Kind::integer, FIELD(engine.gpu_layers), -1,
                        10'000, "Layers computed on the GPU; -1: all; needs a build with GPU support."));
  using Pooling = engine::EmbeddingPooling;
  keys.push_back(enumeration<Pooling>(
      "engine.embedding_pooling", FIELD(engine.embedding_pooling),
      {{"model", Pooling::model}, {"mean", Pooling::mean}, {"cls", Pooling::cls}, {"last", Pooling::last}},
      "How the tokens of an input become one embedding; model: as the model's "
      "metadata says, and no embeddings when it says nothing."));
}

void add_server_keys(std::vector<Key>& keys) {
  keys.push_back(with_rule(make("server.host", "--host", Kind::text, FIELD(server.host),
                                "Address or host name to listen on; other machines reach it only when it is "
                                "not a loopback address, and then API keys are required."),
                           check_not_empty));
  keys.push_back(number("server.port", "--port", Kind::integer, FIELD(server.port), 0, 65535,
                        "TCP port; 0: any free one, which the log and --port-file then tell."));
  keys.push_back(number("server.io_threads", "", Kind::integer, FIELD(server.io_threads), 0, 256,
                        "Threads that run connections, and those to backends; 0: with backends one for each "
                        "CPU, at most 8, else 1."));
  keys.push_back(number("server.worker_threads", "", Kind::integer, FIELD(server.worker_threads), 1, 256,
                        "Threads that parse requests, fill chat templates and cut text into tokens."));
  keys.push_back(number("server.max_connections", "", Kind::integer, FIELD(server.max_connections), 1,
                        kMillion, "Connections served at once; further ones wait in the kernel's queue."));
  keys.push_back(number("server.max_body_bytes", "", Kind::size, FIELD(server.max_body_bytes), kKiB, 4 * kGiB,
                        "Largest request body; a larger one is refused with status 413."));
  keys.push_back(number("server.max_header_bytes", "", Kind::size, FIELD(server.max_header_bytes), kKiB,
                        1024 * kKiB, "Largest request header; a larger one is refused with status 431."));
  keys.push_back(number("server.header_timeout", "", Kind::duration, FIELD(server.header_timeout), 10 * kMs,
                        kHour, "Time a client has to send its headers, from their first byte on."));
  keys.push_back(number("server.body_timeout", "", Kind::duration, FIELD(server.body_timeout), 10 * kMs,
                        kHour, "Time a client has to send its body, from the end of the headers on."));
  keys.push_back(number("server.idle_timeout", "", Kind::duration, FIELD(server.idle_timeout), 10 * kMs,
                        24 * kHour, "Time an idle connection is kept open for a next request."));
  keys.push_back(number("server.write_timeout", "", Kind::duration, FIELD(server.write_timeout), 10 * kMs,
                        kHour, "Time after which a client that does not read its answer is dropped."));
  keys.push_back(
      number("server.min_read_rate", "", Kind::size, FIELD(server.min_read_rate), 1, kGiB,
             "Bytes a second at which a client must read what is left of a finished answer, after a first "
             "server.write_timeout."));
  keys.push_back(number("server.max_unsent_bytes", "", Kind::size, FIELD(server.max_unsent_bytes), kKiB, kGiB,
                        "Bytes that may wait for a slow streaming client before it is dropped."));
  keys.push_back(number("server.drain_timeout", "", Kind::duration, FIELD(server.drain_timeout), 0,
                        24 * kHour, "Time that running requests have to finish after SIGTERM."));
  keys.push_back(number("server.stall_after", "", Kind::duration, FIELD(server.stall_after), 100 * kMs,
                        24 * kHour, "An engine that makes no step for this long is reported as not ready."));
  keys.push_back(number("server.request_timeout", "", Kind::duration, FIELD(server.request_timeout), 0,
                        24 * kHour, "Time a generation may take before it is ended; 0s: no limit."));
  keys.push_back(
      with_rule(make("server.api_key_hashes", "", Kind::list, FIELD(server.api_key_hashes),
                     "SHA-256 hashes of the API keys that are let in, as 'sovereign key new' prints "
                     "them; none: no key is asked for."),
                check_key_hashes));
  keys.push_back(with_rule(make("server.admin_key_hashes", "", Kind::list, FIELD(server.admin_key_hashes),
                                "SHA-256 hashes of the keys that open /admin; none: nobody may."),
                           check_key_hashes));
  keys.push_back(
      with_rule(make("server.cors_origins", "--cors-origin", Kind::list, FIELD(server.cors_origins),
                     "Web origins whose pages may call the API, or \"*\" for all; none: no CORS headers."),
                check_origins));
  keys.push_back(make("server.tls_certificate", "--tls-certificate", Kind::path,
                      FIELD(server.tls_certificate),
                      "PEM file with the certificate chain; with server.tls_key the server speaks HTTPS."));
  keys.push_back(make("server.tls_key", "--tls-key", Kind::path, FIELD(server.tls_key),
                      "PEM file with the certificate's private key."));
  keys.push_back(make("server.insecure", "--insecure", Kind::boolean, FIELD(server.insecure),
                      "Allow listening on an address that other machines reach without any API key."));
}

void add_cache_keys(std::vector<Key>& keys) {
  keys.push_back(
      make("cache.enabled", "", Kind::boolean, FIELD(cache.enabled),
           "Keep answers that would come out the same again, and give them to who asks the same."));
  keys.push_back(number("cache.max_entries", "", Kind::integer, FIELD(cache.max_entries), 1, 100 * kMillion,
                        "Answers kept in memory; the least recently used go first."));
  keys.push_back(
      number("cache.max_bytes", "", Kind::size, FIELD(cache.max_bytes), 1024 * kKiB, 1024 * kGiB,
             "Memory for answers and their keys; an eighth of it is for finding requests by their bytes."));
  keys.push_back(number("cache.time_to_live", "", Kind::duration, FIELD(cache.time_to_live), 0, 8760 * kHour,
                        "Time after which an answer is made anew; 0s: answers have no end."));
  keys.push_back(make("cache.disk_path", "", Kind::path, FIELD(cache.disk_path),
                      "File that keeps answers, and the questions they belong to, over restarts; its folder "
                      "must exist, and one server uses it at a time; empty: memory only."));
  keys.push_back(number("cache.disk_max_bytes", "", Kind::size, FIELD(cache.disk_max_bytes), 1024 * kKiB,
                        1024 * kGiB, "Size of that file; the oldest answers go first."));
  keys.push_back(with_rule(make("cache.redis_url", "", Kind::text, FIELD(cache.redis_url),
                                "Redis server that shares answers between nodes: "
                                "redis://[[user]:password@]host[:port][/database]; empty: none."),
                           check_redis_url));
  keys.push_back(number("cache.redis_timeout", "", Kind::duration, FIELD(cache.redis_timeout), kMs,
                        10 * kSecond,
                        "Longest wait of a query for that server, which is then passed over for a while."));
}

void add_receipt_keys(std::vector<Key>& keys) {
  using Mode = runtime::ReceiptMode;
  Key mode = enumeration<Mode>(
      "receipts.mode", FIELD(receipts.mode),
      {{"off", Mode::off}, {"on_request", Mode::on_request}, {"always", Mode::always}},
      "Who gets a receipt of an answer: nobody; who asks for one, once there is a key; or everybody, and no "
      "answer without, so that completions, for which none are made, are refused.");
  mode.flag = "--receipts";
  keys.push_back(std::move(mode));
  keys.push_back(
      make("receipts.folder", "", Kind::path, FIELD(receipts.folder),
           "Folder of the receipt log; empty: receipts/ in the state folder; one server uses it at "
           "a time."));
  keys.push_back(
      make("receipts.key_file", "", Kind::path, FIELD(receipts.key_file),
           "Signing key, as 'sovereign keys new' makes it; empty: signing.key in the configuration "
           "folder."));
  keys.push_back(make("receipts.passphrase_file", "", Kind::path, FIELD(receipts.passphrase_file),
                      "File whose first line is the key's passphrase, readable by its owner only; empty: the "
                      "key has none."));
  using Sync = crypto::MerkleLog::Sync;
  keys.push_back(enumeration<Sync>(
      "receipts.sync", FIELD(receipts.sync),
      {{"checkpoint", Sync::on_checkpoint}, {"each", Sync::each_commit}},
      "When receipts are on the disk for certain: at each checkpoint, so that a power loss may take the "
      "newest ones, and another log begins after it; or each before it is given out."));
  keys.push_back(number("receipts.checkpoint_interval", "", Kind::duration,
                        FIELD(receipts.checkpoint_interval), 0, 24 * kHour,
                        "Time between signed heads of the log that are kept; the log is synced with each."));
}

void add_envelope_keys(std::vector<Key>& keys) {
  keys.push_back(with_rule(make("envelopes.senders", "", Kind::list, FIELD(envelopes.senders),
                                "Senders whose signed envelopes POST /v1/query takes, each as "
                                "\"name=ed25519:…\"; none: no envelopes are taken."),
                           check_senders));
  keys.push_back(
      make("envelopes.required", "", Kind::boolean, FIELD(envelopes.required),
           "Answer nothing that comes without an envelope: POST /v1/query takes envelopes only, chats, "
           "completions and embeddings are refused."));
  keys.push_back(make("envelopes.policy", "", Kind::text, FIELD(envelopes.policy),
                      "Text of the policy that an envelope must name the digest of."));
  keys.push_back(
      number("envelopes.ihsan_min", "", Kind::integer, FIELD(envelopes.ihsan_min), 0, 10'000,
             "Least mean of the scores that an envelope states, in 1/10,000; 0: none are needed."));
  keys.push_back(make("envelopes.folder", "", Kind::path, FIELD(envelopes.folder),
                      "Folder of the nonces that were used; empty: nonces/ in the state folder; one server "
                      "uses it at a time."));
  keys.push_back(number("envelopes.max_nonces", "", Kind::integer, FIELD(envelopes.max_nonces), 1'024,
                        100 * kMillion,
                        "Nonces remembered at once, 48 bytes each; one more is refused until some are old."));
  keys.push_back(number("envelopes.past", "", Kind::duration, FIELD(envelopes.past), kSecond, 24 * kHour,
                        "Age up to which an envelope is taken."));
  keys.push_back(number("envelopes.future", "", Kind::duration, FIELD(envelopes.future), 0, kHour,
                        "How far ahead of this machine's clock an envelope may be stamped."));
  keys.push_back(number("envelopes.rate_per_second", "", Kind::integer, FIELD(envelopes.rate_per_second), 0,
                        kMillion, "Envelopes that one client may send in a second; 0: no limit."));
  keys.push_back(number("envelopes.rate_burst", "", Kind::integer, FIELD(envelopes.rate_burst), 1, kMillion,
                        "Envelopes that one client may send at once."));
}

void add_routing_keys(std::vector<Key>& keys) {
  keys.push_back(number("routing.local_from", "", Kind::integer, FIELD(routing.local_from), 0, 101,
                        "Estimated complexity, 0 to 100, from which a query goes to tier local."));
  keys.push_back(number("routing.pool_from", "", Kind::integer, FIELD(routing.pool_from), 0, 101,
                        "Estimated complexity from which a query goes to tier pool."));
  keys.push_back(with_rule(make("routing.edge_fallback", "", Kind::list, FIELD(routing.edge_fallback),
                                "Tiers that take over when tier edge cannot answer, in order."),
                           check_tiers));
  keys.push_back(with_rule(make("routing.local_fallback", "", Kind::list, FIELD(routing.local_fallback),
                                "Tiers that take over when tier local cannot answer."),
                           check_tiers));
  keys.push_back(with_rule(make("routing.pool_fallback", "", Kind::list, FIELD(routing.pool_fallback),
                                "Tiers that take over when tier pool cannot answer."),
                           check_tiers));
  keys.push_back(make("routing.require_local", "", Kind::boolean, FIELD(routing.require_local),
                      "Answer every query in this process or not at all, as if each asked for it."));
  keys.push_back(number("routing.probe_interval", "", Kind::duration, FIELD(routing.probe_interval), 0,
                        24 * kHour, "Time between two looks at how each backend is; 0s: none are taken."));
  keys.push_back(number("routing.breaker_failures", "", Kind::integer, FIELD(routing.breaker_failures), 1,
                        1000, "Failures in a row after which a backend is no longer asked."));
  keys.push_back(number("routing.breaker_open_for", "", Kind::duration, FIELD(routing.breaker_open_for),
                        10 * kMs, kHour,
                        "Time until it is tried again; each relapse doubles it, up to two minutes."));
}

void add_limits_keys(std::vector<Key>& keys) {
  keys.push_back(number("limits.requests_per_minute", "", Kind::integer, FIELD(limits.requests_per_minute), 0,
                        kMillion,
                        "Requests of all clients together; one more gets status 429; 0: no limit."));
  keys.push_back(number("limits.burst", "", Kind::integer, FIELD(limits.burst), 1, kMillion,
                        "Requests of them that may come at once."));
  keys.push_back(number("limits.key_requests_per_minute", "", Kind::integer,
                        FIELD(limits.key_requests_per_minute), 0, kMillion,
                        "Requests of one API key; without keys all clients count as one; 0: no limit."));
  keys.push_back(number("limits.key_burst", "", Kind::integer, FIELD(limits.key_burst), 1, kMillion,
                        "Requests of one key that may come at once."));
}

void add_log_keys(std::vector<Key>& keys) {
  keys.push_back(with_choices(make("log.level", "--log-level", Kind::choice, FIELD(log.level),
                                   "Least important lines that are written."),
                              {"trace", "debug", "info", "warning", "error", "off"}));
  keys.push_back(with_choices(make("log.format", "--log-format", Kind::choice, FIELD(log.format),
                                   "Lines for people, or one JSON object per line."),
                              {"text", "json"}));
  keys.push_back(make("log.file", "--log-file", Kind::path, FIELD(log.file),
                      "File to append the log to; empty: standard error."));
}

#undef FIELD

std::vector<Key> build() {
  std::vector<Key> keys;
  add_model_keys(keys);
  add_engine_keys(keys);
  add_server_keys(keys);
  add_cache_keys(keys);
  add_receipt_keys(keys);
  add_envelope_keys(keys);
  add_quality_keys(keys);
  add_reasoning_keys(keys);
  add_routing_keys(keys);
  add_limits_keys(keys);
  for (Key& key : canary_keys()) keys.push_back(std::move(key));
  add_log_keys(keys);
  return keys;
}

constexpr std::array kSections = {
    Section{"model", "What to serve."},
    Section{"engine", "How the model is run: memory, batches, threads."},
    Section{"server", "The HTTP API: address, limits, keys, TLS."},
    Section{"cache", "Answers that are kept: docs/cache.md."},
    Section{"receipts", "Signed receipts of answers: docs/proof.md."},
    Section{"envelopes", "Signed queries: docs/proof.md."},
    Section{"quality", "Assessment of answers, and the gate: docs/quality.md."},
    Section{"reasoning", "Graphs of thoughts before the answer: docs/query.md."},
    Section{"routing", "Which backend answers what: docs/gateway.md."},
    Section{"limits", "How often clients may ask."},
    Section{"canary", "A variant of the configuration on trial: docs/canary.md."},
    Section{"log", "What is written about it all."},
};

}  // namespace

std::span<const Key> all_keys() {
  static const std::vector<Key> keys = build();
  return keys;
}

const Key* find_key(std::string_view name) {
  for (const Key& key : all_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::span<const Section> all_sections() { return kSections; }

std::string suggestion(std::string_view name) {
  // A key without or with the wrong section is recognized by its last name.
  const std::string_view last = name.substr(name.rfind('.') + 1);
  for (const Key& key : all_keys()) {
    if (key.last_name() == last) return fmt::format("did you mean '{}'?", key.name);
  }
  std::vector<std::string_view> names;
  for (const Key& key : all_keys()) names.push_back(key.name);
  const std::string_view near = nearest(name, names);
  return near.empty() ? std::string() : fmt::format("did you mean '{}'?", near);
}

}  // namespace sovereign::config
