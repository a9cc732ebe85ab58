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
.PHONY: help setup test demo build vet lint race clients etcd model torture soak short bench differential fuzz fmt clean

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

test: setup build vet lint race clients etcd ## build, vet, lint, and run all tests with the race detector
	@echo "== all good"

build: ## build everything, without C
	@echo "== building"
	CGO_ENABLED=0 go build $(PACKAGES)
	cd $(CLIENTS) && CGO_ENABLED=0 go build $(PACKAGES)
	cd $(ETCD) && CGO_ENABLED=0 go build $(PACKAGES)

vet: ## go vet, and gofmt
	@echo "== vetting"
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	CGO_ENABLED=0 go vet $(PACKAGES)
	cd $(CLIENTS) && CGO_ENABLED=0 go vet $(PACKAGES)
	cd $(ETCD) && CGO_ENABLED=0 go vet $(PACKAGES)

$(LINT):
	@echo "== installing golangci-lint $(GOLANGCI_VERSION) into bin/ (once)"
	@GOBIN=$(BIN) CGO_ENABLED=0 go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

lint: $(LINT) ## golangci-lint
	@echo "== linting"
	$(LINT) run --allow-parallel-runners $(PACKAGES)
	cd $(CLIENTS) && $(LINT) run --allow-parallel-runners --config $(CURDIR)/.golangci.yml $(PACKAGES)
	cd $(ETCD) && $(LINT) run --allow-parallel-runners --config $(CURDIR)/.golangci.yml $(PACKAGES)

RACE := $(if $(shell command -v cc || command -v gcc),CGO_ENABLED=1 go test -race,go test)

race: ## all tests, with the race detector where there is a C compiler
	@echo "== testing, $(if $(findstring -race,$(RACE)),with the race detector,WITHOUT the race detector: it needs a C compiler, and there is none)"
	$(RACE) -timeout 15m $(PACKAGES)

clients: ## other libraries over xapg: GORM, ent, goose, River and so on
	@echo "== testing other libraries over xapg"
	cd $(CLIENTS) && $(RACE) -timeout 15m $(PACKAGES)

etcd: ## the decision log in etcd, on a cluster of three members
	@echo "== testing the decision log in etcd"
	cd $(ETCD) && $(RACE) -timeout 10m $(PACKAGES)

model: setup ## check the model of the protocol, and that it finds each of its mistakes
	XAPG_MODEL=full go test -count=1 -v -timeout 60m ./docs/model

# What torture is told, for instance TORTURE='-crashes 2000 -seed 42'.
TORTURE ?= -for 3m
torture: setup ## kill applications and servers at every point, and compare what was told with what is there
	go run ./xadriver/xatest/torture $(TORTURE)

SOAK ?= 10m
soak: setup ## small pools, restarted servers and little patience, for SOAK=10m
	XAPG_SOAK=$(SOAK) go test -count=1 -v -run TestSoak -timeout 0 ./xadriver | grep -v -e INFO -e WARN

short: ## the tests that need no servers or little time
	go test -short $(PACKAGES)

demo: setup ## the sharded bank: transfers, crashes and load on real servers
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
