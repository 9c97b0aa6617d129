// sovereign-bench gateway: what the gateway adds to a request, and its rate beside LiteLLM's proxy.
#include "bench/suites/gateway.h"

#include <algorithm>
#include <memory>

#include "base/system_info.h"
#include "suite_command.h"

namespace sovereign::bench {

void add_gateway_suite(CLI::App& program, int& exit_code) {
  auto options = std::make_shared<GatewayOptions>();
  auto common = std::make_shared<CommonOptions>();
  CLI::App& gateway = *program.add_subcommand("gateway", "The gateway, before a stub and beside LiteLLM");
  gateway.add_option("--sovereign", options->sovereign, "The program under test")->required();
  gateway.add_option("--litellm", options->litellm, "Peer; without it its ratio is left out");
  gateway.add_option("--nginx", options->nginx,
                     "Passes requests on unread; without it its figures are left out");
  gateway.add_option("--model", options->model, "GGUF file; without it pool and batching are left out");
  options->threads = std::max(1U, cpu_info().physical);
  gateway.add_option("--threads", options->threads, "Compute threads of the parts with a model")
      ->capture_default_str();
  gateway.add_option("--clients", options->clients, "Clients at a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  gateway.add_option("--rounds", options->rounds, "Measured rounds of each part")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  gateway.add_option("--round-ms", options->round_ms, "Length of a round of one side")->capture_default_str();
  gateway.add_option("--pause-ms", options->pause_ms, "Of a client between two requests")
      ->capture_default_str();
  gateway.add_flag("--smoke", options->smoke, "Tiny sizes: shows that every part works, measures nothing");
  add_common_options(gateway, *common);
  gateway.callback([options, common, &exit_code] {
    if (const auto made = make_folder(common->out); !made) {
      exit_code = complain(made.error());
      return;
    }
    options->log_folder = common->out;
    options->date = now_as_text();
    exit_code = publish(run_gateway_suite(*options, Progress(common->silent)), common->out);
  });
}

}  // namespace sovereign::bench
