# make help lists what can be made.
SHELL := /bin/bash
GOLANGCI_VERSION := v2.15.0
BIN := $(CURDIR)/bin
LINT := $(BIN)/golangci-lint
PACKAGES := ./...
# Modules of their own, so that nobody has their dependencies who does not use them.
CLIENTS := xadriver/clients
ETCD := txlog/etcdlog
COUNT ?= 6
FUZZTIME ?= 30s

# The product needs no C; the race detector does.
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup test demo build format vet lint race clients etcd model torture deadlocks audit history soak short bench differential fuzz fmt clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## make sure that Go, PostgreSQL and a C compiler can be had
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or later (https://go.dev/dl)"; exit 1; }
	@if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && [ -z "$$XAPG_PG_BIN" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "== installing PostgreSQL with apt-get"; \
			apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q postgresql >/dev/null || echo "that failed; the tests will fetch PostgreSQL themselves"; \
		else echo "== PostgreSQL is not installed: the tests will fetch it once"; fi; fi
	@if ! command -v cc >/dev/null && ! command -v gcc >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "== installing gcc for the race detector"; \
			apt-get update -q >/dev/null; DEBIAN_FRONTEND=noninteractive apt-get install -y -q gcc libc6-dev >/dev/null || true; fi; fi

test: setup build format lint race clients etcd ## build, lint, and run all tests with the race detector
	@echo "== all good"

build: ## build everything, without C
	@echo "== building"
	CGO_ENABLED=0 go build $(PACKAGES)
	cd $(CLIENTS) && CGO_ENABLED=0 go build $(PACKAGES)
	cd $(ETCD) && CGO_ENABLED=0 go build $(PACKAGES)

format: ## gofmt
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }

vet: format ## go vet by itself
	@echo "== vetting"
	CGO_ENABLED=0 go vet $(PACKAGES)
	cd $(CLIENTS) && CGO_ENABLED=0 go vet $(PACKAGES)
	cd $(ETCD) && CGO_ENABLED=0 go vet $(PACKAGES)

$(LINT):
	@echo "== installing golangci-lint $(GOLANGCI_VERSION) into bin/ (once)"
	@GOBIN=$(BIN) CGO_ENABLED=0 go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

# golangci-lint does all that go vet does, but in what is generated.
GENERATED := ./ent/ent/... ./sqlc/...
lint: $(LINT) ## golangci-lint, with all checks of go vet
	@echo "== linting"
	$(LINT) run --allow-parallel-runners $(PACKAGES)
	cd $(CLIENTS) && $(LINT) run --allow-parallel-runners --config $(CURDIR)/.golangci.yml $(PACKAGES)
	cd $(ETCD) && $(LINT) run --allow-parallel-runners --config $(CURDIR)/.golangci.yml $(PACKAGES)
	cd $(CLIENTS) && CGO_ENABLED=0 go vet $(GENERATED)

# Tests wait for servers as often as they compute: one package more than there are
# processors keeps those busy. lint has vetted what go test would vet once more.
TOGETHER ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)))
RACE := $(if $(shell command -v cc || command -v gcc),CGO_ENABLED=1 go test -race,go test) -vet=off -p $(TOGETHER)

# Where tests' servers keep what need not last: in memory, if there is room. Half of what
# the machine does for the tests is writing files that are removed at once.
MEMORY := $(shell free=$$(awk '/^MemAvailable/ {print $$2}' /proc/meminfo 2>/dev/null); \
	df -Pk /dev/shm 2>/dev/null | awk -v free="$$free" 'NR == 2 && $$4 > 8000000 && free > 8000000 {print "/dev/shm"}')
race clients etcd: export XAPG_PG_DATA ?= $(MEMORY)

# What takes longest is begun first, so that nothing has to wait for it in the end.
LONGEST := ./xadriver/xatest/differential ./xadriver

race: ## all tests, with the race detector where there is a C compiler
	@echo "== testing, $(if $(findstring -race,$(RACE)),with the race detector,WITHOUT the race detector: it needs a C compiler, and there is none)"
	$(RACE) -timeout 30m $(if $(filter ./...,$(PACKAGES)),$(LONGEST)) $(PACKAGES)

clients: ## other libraries over xapg: GORM, ent, goose, River and so on
	@echo "== testing other libraries over xapg"
	cd $(CLIENTS) && $(RACE) -timeout 30m $(PACKAGES)

etcd: ## the decision log in etcd, on a cluster of three members
	@echo "== testing the decision log in etcd"
	cd $(ETCD) && $(RACE) -timeout 30m $(PACKAGES)

model: setup ## check the model of the protocol, and that it finds each of its mistakes
	XAPG_MODEL=full go test -count=1 -v -timeout 60m ./docs/model

# What torture is told, for instance TORTURE='-crashes 2000 -seed 42'.
TORTURE ?= -for 3m
torture: setup ## kill applications and servers at every point, and compare what was told with what is there
	go run ./xadriver/xatest/torture $(TORTURE)

# What the audit is told, for instance AUDIT='-sums 20000 -seed 42'.
AUDIT ?= -sums 1000000
audit: setup ## a million sums under transfers and crashes, all equal; and a tenth of them without consistency
	go run ./xadriver/xatest/audit $(AUDIT)

# What the histories are told, for instance HISTORY='-for 1h -seed 42 -only rr/snapshot,ser'.
HISTORY ?= -for 5m
history: setup ## histories of transactions at each isolation level, with crashes, judged by what each level allows
	go run ./xadriver/xatest/history $(HISTORY)

# How many rings, and how many transactions without a circle; SEED=0 draws one.
RINGS ?= 1000
TRANSACTIONS ?= 100000
SEED ?= 0
deadlocks: setup ## transactions that wait for each other in circles over several shards, and 100,000 that only wait
	go run ./xadriver/xatest/rings -rings $(RINGS) -transactions $(TRANSACTIONS) -seed $(SEED)

SOAK ?= 10m
soak: setup ## small pools, restarted servers and little patience, for SOAK=10m
	XAPG_SOAK=$(SOAK) go test -count=1 -v -run TestSoak -timeout 0 ./xadriver | grep -v -e INFO -e WARN

short: ## the tests that need no servers or little time
	go test -short $(PACKAGES)

demo: setup ## the sharded bank: transfers, crashes, and load with an audit, on real servers
	@echo "== the bank"
	go run ./examples/bank

bench: setup ## the benchmarks, COUNT times, into bench.txt (for benchstat)
	go test -run '^$$' -bench . -benchmem -count $(COUNT) -timeout 60m ./xadriver ./xadriver/internal/... ./shardmap ./txlog/... | tee bench.txt

fuzz: ## every fuzz target, for FUZZTIME each
	@for f in $$(git grep -l '^func Fuzz' -- '*_test.go'); do for n in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]*).*/\1/p' $$f); do \
		echo "== $$n"; go test -run '^$$' -fuzz "^$$n$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; done; done

SECONDS ?= 600
differential: setup ## compare all scripts, and then random statements, with one PostgreSQL, SECONDS=600 or as long as you like
	XAPG_DIFF_ALL=1 go test -count=1 -v -run 'TestCorpus' -timeout 0 ./xadriver/xatest/differential | grep -E 'steps:|refused|wrong|^ok|FAIL'
	XAPG_RANDOM_SECONDS=$(SECONDS) go test -count=1 -v -run 'TestRandom' -timeout 0 ./xadriver/xatest/differential

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built
	rm -rf bin bench.txt
