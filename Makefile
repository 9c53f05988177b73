# `make` lists the targets. Everything here works from a fresh clone, with and without a terminal.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# What `make test` runs; override on the command line, e.g. `make test TEST_FLAGS='--filter Kernels'`.
TEST_CONFIGURATION ?= release
TEST_FLAGS ?=

# What `make compare` runs on: a directory with base.*, query.* and groundtruth.ibin.
DATA ?= datasets/debian-packages
METRIC ?= cosine
COMPARE_FLAGS ?=
GRAPH_FLAGS ?=
BUDGET_FLAGS ?=
# What `make scale` runs on; `--data DIR --metric cosine|l2|ip` adds a set, `--html FILE` a page.
SCALE_FLAGS ?= --mixture 2000000
# Target and seconds of `make fuzz`; a minute of each target by default.
FUZZ_FLAGS ?=

BUILD_TOOL := swift build -c release --product needletail
TOOL = "$$($(BUILD_TOOL) --show-bin-path)/needletail"
# Formatted code is ours, not what package managers put beside it.
SWIFT_FILES = find Package.swift Sources Tests Benchmarks -type d \( -name '.?*' -o -name checkouts \) -prune \
  -o -name '*.swift' -print0

.PHONY: help demo build test test-long test-traits lint fuzz bench bench-budgets compare graph-quality updates scale wheel dependencies

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: build ## watch an index being built, searched, judged, and put under load
	@$(TOOL) demo

build: dependencies ## build the command line (release)
	@$(BUILD_TOOL)

test: dependencies ## run the unit tests
	@swift test -c $(TEST_CONFIGURATION) --disable-xctest $(TEST_FLAGS)

test-long: test-traits ## run the unit tests with the large seeded worlds, and those of the traits
	@NEEDLETAIL_LONG_TESTS=1 swift test -c $(TEST_CONFIGURATION) --disable-xctest $(TEST_FLAGS)

# Traits change the flags of every target, so this has a folder of its own.
test-traits: dependencies ## build with Logging, Metrics and Tracing one by one, and run their tests
	@for trait in Logging Metrics Tracing; do \
	  swift build -c $(TEST_CONFIGURATION) --scratch-path .build/traits --traits $$trait --target NeedletailServing; \
	done
	@swift test -c $(TEST_CONFIGURATION) --disable-xctest --scratch-path .build/traits \
	  --traits Tools,Logging,Metrics,Tracing --filter 'ServiceLogTests|ServiceMetricsTests|ServiceTracingTests'

lint: ## check formatting and that targets import only what they declare
	@.ci/need swift python
	@$(SWIFT_FILES) | xargs -0 swift format lint --strict --parallel
	@echo "Formatting: clean."
	@.ci/import-check

fuzz: ## fuzz what reads files, under AddressSanitizer: FUZZ_FLAGS='log 600' for ten minutes of the log
	@.ci/fuzz $(FUZZ_FLAGS)

bench: dependencies ## run the kernel, build and search benchmarks
	@BENCHMARK_DISABLE_JEMALLOC=true swift package --package-path Benchmarks benchmark

bench-budgets: build ## measure what a budget promises, by the clock, on a quiet machine: BUDGET_FLAGS='--seconds 60'
	@.ci/need python
	@index=".build/budgets/$(notdir $(DATA))"; \
	  base=$$( (ls "$(DATA)"/base.npy "$(DATA)"/base.*bin 2>/dev/null || true) | head -n 1); \
	  queries=$$( (ls "$(DATA)"/queries.npy "$(DATA)"/query.*bin 2>/dev/null || true) | head -n 1); \
	  mkdir -p .build/budgets; \
	  test -d "$$index" || $(TOOL) build --input "$$base" --metric "$(METRIC)" --output "$$index"; \
	  python3 Benchmarks/Budgets/budgets.py --needletail $(TOOL) --index "$$index" --queries "$$queries" \
	    --groundtruth "$(DATA)/groundtruth.ibin" --json ".build/budgets/$(notdir $(DATA)).json" $(BUDGET_FLAGS)

compare: build wheel ## measure beside every rival that installs: DATA=… METRIC=cosine|l2|ip
	@.ci/need venv
	@python3 Benchmarks/Comparisons/compare.py --data "$(DATA)" --metric "$(METRIC)" --needletail $(TOOL) \
	  --threads 2 --json ".build/compare/$(notdir $(DATA)).json" --html ".build/compare/$(notdir $(DATA)).html" \
	  $(COMPARE_FLAGS)

graph-quality: build ## walk our graph and hnswlib's by one plain walker: DATA=… METRIC=cosine|l2|ip
	@.ci/need venv
	@python3 Benchmarks/GraphQuality/graph_quality.py --data "$(DATA)" --metric "$(METRIC)" --needletail $(TOOL) \
	  --json ".build/graph-quality/$(notdir $(DATA)).json" $(GRAPH_FLAGS)

updates: dependencies ## inserts, searches beside writes, and what churn leaves: DATA=… METRIC=cosine|l2|ip
	@base=$$(ls "$(abspath $(DATA))"/base.*bin) && query=$$(ls "$(abspath $(DATA))"/query.*bin) && cd Benchmarks && \
	  BENCHMARK_DISABLE_JEMALLOC=true swift run -c release updates "$$base" "$$query" "$(METRIC)" "$(CURDIR)/.build/updates" && \
	  if [ -x Comparisons/.venv/bin/python3 ]; then Comparisons/.venv/bin/python3 Updates/hnswlib_inserts.py "$$base" "$(METRIC)"; \
	  else echo "hnswlib's rate: Benchmarks/Comparisons/compare.py --prepare makes it measurable"; fi

scale: build ## cost against rows, on prefixes of a generated set of 2 000 000: ten minutes
	@.ci/need python
	@python3 Benchmarks/Scale/scale.py --needletail $(TOOL) --html .build/scale/scale.html $(SCALE_FLAGS)

wheel: dependencies ## pack the Python package: one .whl in .build/wheel
	@.ci/need python
	@python3 Sources/NeedletailPython/backend/wheel_backend.py .build/wheel

dependencies:
	@.ci/need swift openblas
