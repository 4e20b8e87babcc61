SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BIN      := .tmp/bin
TOOLS    := $(BIN)/.built
ETCD     := $(BIN)/etcd
FUZZTIME ?= 30s
BENCH    ?= .
AGAINST  ?= .git\#branch=main
IMAGE    ?= facet:$(VERSION)

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the static binary bin/facet
	CGO_ENABLED=0 go build -tags grpcnotrace -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/facet ./cmd/facet

.PHONY: run
run: ## Serve the sample mall: its services and the gateway
	go run ./examples/mall

.PHONY: test
test: $(ETCD) ## Run the tests
	go test ./...

.PHONY: race
race: $(ETCD) ## Run the tests with the race detector
	go test -race ./...

.PHONY: test-bench
test-bench: ## Run the tests of the benchmark beside other gateways
	cd bench && go vet ./... && go test ./...

.PHONY: lint
lint: $(TOOLS) ## Lint the Go code and the protos
	go vet ./...
	golangci-lint run
	buf format --diff --exit-code
	buf lint

.PHONY: breaking
breaking: $(TOOLS) ## Compare the protos with those of AGAINST (default: branch main)
	buf breaking api --against '$(AGAINST),subdir=api'
	buf breaking internal --against '$(AGAINST),subdir=internal'

.PHONY: generate
generate: $(TOOLS) ## Generate the Go code and the JSON Schemas of the protos
	buf generate
	buf generate --template bench/buf.gen.yaml
	go run ./internal/tools/docschema

.PHONY: check-generate
check-generate: generate ## Fail if the generated code is not that of the protos
	@changed="$$(git status --porcelain -- '*.pb.go' '*.pb.gw.go' '*.schema.json')"; \
	if [ -n "$$changed" ]; then \
		echo "the generated code is stale: run \"make generate\" and commit" >&2; \
		echo "$$changed" >&2; exit 1; \
	fi

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: bench
bench: ## Measure Facet beside its peers and write bench/results (11 minutes, on a quiet machine)
	cd bench && go run .

.PHONY: bench-check
bench-check: ## Fail if Facet costs over 15 % more than in bench/results (a minute)
	cd bench && go run . -check

.PHONY: microbench
microbench: ## Run the Go benchmarks that match BENCH
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: image
image: ## Build the container image IMAGE
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin .tmp

$(TOOLS): tools/go.mod tools/go.sum tools/buf/go.mod tools/buf/go.sum tools/grpcurl/go.mod tools/grpcurl/go.sum
	mkdir -p $(BIN)
	cd tools && go build -o ../$(BIN)/ tool
	cd tools/buf && go build -o ../../$(BIN)/ tool
	cd tools/grpcurl && go build -o ../../$(BIN)/ tool
	touch $@

# Tests that kill and stop an etcd want it in a process of its own.
$(ETCD): go.sum
	mkdir -p $(BIN)
	go build -o $@ go.etcd.io/etcd/server/v3
