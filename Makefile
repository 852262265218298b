# Verbs only: each calls one script of scripts/, which also runs by hand (and has --help).

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-lint test-rust test-fuzz test-web test-node test-conformance test-faults test-interop \
	test-demo build lint bench interop fuzz soak clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: ## three servers, one Redis and a web page; with ONCE=1 a scripted run that checks itself
	@scripts/demo

test: ## every test, `make lint` included; one suite: make test-rust, test-web, test-node, …
	@scripts/test

test-lint test-rust test-fuzz test-web test-node test-conformance test-faults test-interop test-demo:
	@scripts/test $(@:test-%=%)

build: ## the npm package, in pkg/
	@scripts/build

lint: ## formatting, lints, types, documentation and the checks of .ci/
	@scripts/lint

bench: ## side by side with @socket.io/redis-adapter; writes bench/results.json
	@scripts/bench

interop: ## next to the published packages on one Redis; writes README.md's compatibility table
	@scripts/interop

fuzz: ## every fuzz target for FUZZ_SECONDS (60); inputs that it kept are tried by make test too
	@scripts/fuzz

soak: ## a million joins and messages, and what they leave behind; SOAK_SCALE=0.01 for a short one
	@scripts/soak

setup: ## everything that the tests need on this machine
	@scripts/setup --browser --fuzz

clean: ## remove what was built (tools and npm packages stay)
	@scripts/clean
