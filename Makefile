# Thin names over scripts/ and the presets of CMakePresets.json. `make` alone lists them.
#   CMAKE_FLAGS  options for CMake, remembered by the build folder: CMAKE_FLAGS=-DSOVEREIGN_CUDA=ON
#   PORT         where `make run` and `make demo` serve (8080)
#   CTEST_FLAGS  options for ctest: CTEST_FLAGS='-R scheduler'
#   BENCH_FLAGS  options for the benchmark: BENCH_FLAGS=--quick
export CMAKE_FLAGS PORT

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOAK_ROUNDS ?= 100

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup: ## install the Debian packages that are missing
	@scripts/setup.sh build

build: setup ## the program, at build/sovereign
	@scripts/build.sh release sovereign

run: build ## serve on 127.0.0.1:8080, ask one question, go on serving
	@scripts/run.sh

demo: build ## the same, then stop
	@scripts/run.sh --once

test: setup ## build everything and run every test
	@scripts/test.sh release $(CTEST_FLAGS)

soak: setup ## the kill -9 loop of the program, SOAK_ROUNDS (100) under load; minutes to an hour
	@SOVEREIGN_KILL_ROUNDS=$(SOAK_ROUNDS) scripts/test.sh release -R 'http.cache_kill|DiskStoreKill' -V

asan: setup ## the tests under the address and undefined-behaviour sanitizers
	@scripts/test.sh asan $(CTEST_FLAGS)

tsan: setup ## the tests under the thread sanitizer
	@scripts/test.sh tsan $(CTEST_FLAGS)

peers: setup ## llama-server and llama.cpp's benchmarks, from the same sources
	@scripts/build_llama.sh --peers > /dev/null

bench-serve: setup ## the served model against its peers: build/bench/serve.json
	@scripts/bench.sh serve $(BENCH_FLAGS)

bench-quality: setup ## assessment, projection and reasoning branches: build/bench/quality.json
	@scripts/bench.sh quality $(BENCH_FLAGS)

bench-proof: setup ## canonical JSON, digests, signatures, logs, receipts: build/bench/proof.json
	@scripts/bench.sh proof $(BENCH_FLAGS)

bench-gateway: setup ## the gateway before a stub, beside LiteLLM: build/bench/gateway.json
	@scripts/bench.sh gateway $(BENCH_FLAGS)

bench-kernels: setup ## our matrix kernels against llama.cpp's: build/bench/kernels.json
	@scripts/setup.sh bench
	@scripts/bench.sh kernels $(BENCH_FLAGS)

bench-canary: setup ## the canary's false alarms and detection delay, simulated: build/bench/canary.json
	@scripts/bench.sh canary $(BENCH_FLAGS)
bench-speculative: setup ## guessing ahead, and the deterministic mode: build/bench/speculative.json
	@scripts/bench.sh speculative $(BENCH_FLAGS)

bench-cache: setup ## the response cache, against the roadmap's and nginx: build/bench/cache.json
	@scripts/setup.sh bench
	@scripts/bench.sh cache $(BENCH_FLAGS)

format: setup-lint ## clang-format, in place
	@scripts/lint.sh --fix

lint: setup setup-lint ## clang-format, clang-tidy, direction of includes
	@scripts/lint.sh

fuzz: setup setup-lint ## each fuzzer of tests/fuzz for FUZZ_SECONDS (60)
	@scripts/fuzz.sh $(FUZZ_SECONDS)

install: ## program, manual page, completions, example configuration, below PREFIX (/usr/local)
	@test -x build/sovereign || { echo "run 'make build' first" >&2; exit 1; }
	@cmake --install build/release --prefix $(PREFIX)

clean: ## remove the build folder; downloads and llama.cpp stay in the cache folder
	@rm -rf build

setup-lint:
	@scripts/setup.sh lint

.PHONY: help setup build run demo test soak asan tsan peers bench-serve bench-quality bench-proof bench-gateway bench-kernels bench-speculative bench-canary bench-cache format lint fuzz install clean setup-lint
.NOTPARALLEL:
