# Everything starts here. `make run` and `make test` need git, curl and the Swift toolchain only;
# they install the system libraries that are missing.

PORT ?= 8080
DATABASE ?= sqlite:tribute.db
CYCLES ?= 100
INPUTS ?= 1000000
SECONDS ?= 60
BUILD = swift build -c release
TRIBUTE = .build/release/tribute

.PHONY: help run build test test-swift test-acceptance lint format bench stages profile crash overload \
  patroni fuzz canaries simulate clean

help: ## Show what there is to make.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

run: build ## Build, fill a demo workspace, say what to try, serve on PORT.
	@$(TRIBUTE) demo --database $(DATABASE) --url http://localhost:$(PORT)
	@echo "Serving on http://localhost:$(PORT). Ctrl-C stops it."
	@exec $(TRIBUTE) serve --database $(DATABASE) --port $(PORT) --public-url http://localhost:$(PORT)

build: ## Build the tribute executable.
	@scripts/install-packages build
	$(BUILD) --product tribute

test: lint test-swift test-acceptance ## Run every check and test.

test-swift: ## Build and run the Swift tests.
	@scripts/install-packages build test
	$(BUILD) --build-tests
	swift test -c release --skip-build
	TRIBUTE_TEST_ENGINE=postgres scripts/with-postgres \
	  swift test -c release --skip-build --filter LedgerTests

test-acceptance: build ## Run the official Dub SDK and the contract against the real server, on each engine.
	@scripts/install-packages build test
	$(BUILD) --product tribute-fuzz
	Tests/acceptance/run
	TRIBUTE_TEST_ENGINE=postgres scripts/with-postgres Tests/acceptance/run
	TRIBUTE_TEST_ENGINE=postgres TRIBUTE_TEST_NODES=2 scripts/with-postgres Tests/acceptance/run

lint: ## Check the formatting.
	swift format lint --strict --recursive --parallel Sources Tests Package.swift

format: ## Format the sources.
	swift format --in-place --recursive --parallel Sources Tests Package.swift

bench: build ## Durable sales per second beside the no-storage handler and a Node echo.
	@scripts/install-packages build bench
	$(TRIBUTE) bench $(BENCH)

stages: build ## The time of each stage of a sale beside a reference; BENCH=--check compares.
	$(TRIBUTE) bench stages $(BENCH)

profile: build ## Where a server's processor time goes while sales are posted, by stage.
	@scripts/install-packages bench profile
	$(TRIBUTE) bench profile --output .build/profile.data $(PROFILE)
	@bench/profile-split .build/profile.data

simulate: build ## Try the ledger on failing disks against its model, for SECONDS.
	$(TRIBUTE) simulate --seconds $(SECONDS)

crash: build ## Kill the server under load, again and again: 100 cycles, a million events on file.
	@scripts/install-packages build test
	CRASH_CYCLES=$(CYCLES) CRASH_EVENTS=1000000 Tests/acceptance/run test_crash.py

overload: build ## More load than the server can take, a minute of each kind.
	@scripts/install-packages build test
	OVERLOAD_SECONDS=120 Tests/acceptance/run test_overload.py

patroni: build ## A failover by Patroni and etcd under load.
	@scripts/install-packages build test patroni
	TRIBUTE_TEST_ENGINE=postgres TRIBUTE_TEST_NODES=2 TRIBUTE_TEST_PATRONI=1 scripts/with-postgres \
	  Tests/acceptance/run -s test_patroni.py

fuzz: ## At least INPUTS inputs for each decoder.
	@scripts/install-packages build
	$(BUILD) --product tribute-fuzz
	.build/release/tribute-fuzz --inputs $(INPUTS)

canaries: ## Break the rules on purpose, one at a time; each must be noticed.
	@scripts/install-packages build test
	scripts/canaries

clean: ## Remove what was built (the next build takes minutes).
	rm -rf .build .venv
