ARCH ?= $(shell go env GOARCH)
GO_DIRS = cmd examples hooktool internal jujusim roll tests
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# What runs other programs, or no goroutines at all, gains nothing from the race detector.
RACE = $(filter-out %/jujusim/agent %/jujusim/script %/pack,$(shell go list ./hooktool/... ./internal/... ./jujusim/... ./roll))
# Times, not a duration: go test can fail with "context deadline exceeded" when that is over.
FUZZTIME ?= 20000x

.PHONY: build operator charm demo test lint race fuzz clean integration charmcraft-check bench bench-peers soak exhaustive figures process-faults

build: ## build all programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...

PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
operator: ## build the operators' program for all platforms into bin/operator/
	@for platform in $(PLATFORMS); do \
		out=bin/operator/juju-rolling-ops_$$(echo $$platform | tr / _); echo $$out; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -trimpath -ldflags="-s -w" -o $$out ./cmd/juju-rolling-ops || exit 1; \
	done

charm: ## make rolling-ops_ARCH.charm and the subordinate without charmcraft (ARCH=amd64 or arm64)
	go run ./internal/pack -arch $(ARCH)
	go run ./internal/pack -arch $(ARCH) -charm rolling-ops-subordinate

demo: build ## on a simulated model five units restart one after the other, then a rollout with a canary
	go run ./internal/pack -dir build/charm
	bin/jujusim run --charm build/charm -n 5 demo/restart.txt
	bin/jujusim shell --charm build/charm -n 5 -- sh demo/rollout.sh

test: lint race ## all tests: what CI runs
	go test -cover -timeout 20m ./...
	@$(MAKE) --no-print-directory fuzz

lint:
	@unformatted=$$(gofmt -l $(GO_DIRS)); [ -z "$$unformatted" ] || { echo "not formatted by gofmt: $$unformatted" >&2; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

race:
	go test -race -timeout 20m $(RACE)

fuzz: ## each fuzz target for FUZZTIME inputs, or longer: FUZZTIME=1m
	@for file in $$(grep -rl --include='*_test.go' '^func Fuzz' $(GO_DIRS)); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) || exit 1; \
		done; \
	done

DURATION ?= 30m
soak: ## simulate random schedules for DURATION, from SEED on or from a fresh one (docs/verification.md)
	go test -count=1 -v -timeout 0 -run '^TestSimulation$$' ./tests/simulation -duration $(DURATION) $(if $(SEED),-seed $(SEED))

exhaustive: ## every interleaving of small clusters: the long scopes too (docs/verification.md)
	go test -count=1 -v -timeout 2h -run '^TestExhaustive' ./tests/simulation -exhaustive.full

FIGURES = docs/verification/$(shell date -u +%F)
figures: ## what simulation (for DURATION), mutants and search (all scopes) counted, in a folder of the day
	@mkdir -p $(FIGURES)
	{ git log -1 --format='commit %h of %cs'; go version; nproc; } > $(FIGURES)/made-with.txt
	go test -count=1 -v -timeout 0 -run '^TestSimulation$$' ./tests/simulation -duration $(DURATION) > $(FIGURES)/simulation.txt
	go test -count=1 -v -run '^TestMutants$$' ./tests/simulation > $(FIGURES)/mutants.txt
	go test -count=1 -v -timeout 2h -run '^TestExhaustive$$' ./tests/simulation -exhaustive.full > $(FIGURES)/exhaustive.txt

RUNS ?= 200
process-faults: ## RUNS random runs of real processes that are killed and worse, from SEED on or from a fresh one
	go test -count=1 -v -timeout 3h -run '^TestProcessFaults$$' ./tests/processfaults -runs $(RUNS) $(if $(SEED),-seed $(SEED))

CONTROLLERS = $${JUJU_DATA:-$${XDG_DATA_HOME:-$$HOME/.local/share}/juju}/controllers.yaml
PARALLEL ?= 3
integration: ## run the scripts on a real Juju controller (KEEP=1, BASE=ubuntu@22.04, RUN=TestScripts: see docs/testing.md)
	@grep -qs uuid: "$(CONTROLLERS)" || { echo 'integration: no Juju controller; get one with "snap install juju lxd && lxd init --auto && juju bootstrap localhost"' >&2; exit 1; }
	@$(if $(CHARM),,$(MAKE) --no-print-directory charm)
	cd tests/integration/juju && go vet .
	cd tests/integration/juju && ARCH=$(ARCH) go test -count=1 -v -timeout 3h -parallel $(PARALLEL) -run '$(or $(RUN),.)' .

charmcraft-check: ## pack with the real charmcraft too, and compare (as root, on Debian or Ubuntu)
	tests/charmcraft/check.sh

ROLLS = 3|10|30|100|300
BENCH ?= build/bench
bench: build ## what hooks and rolls cost: one table a question (docs/performance.md)
	@mkdir -p $(BENCH)
	go run ./internal/pack -dir build/charm
	bin/jujusim bench --charm build/charm --rolls 3,10,30 --json $(BENCH)/hooks.json > $(BENCH)/tables.txt
	go test -run '^$$' -bench 'Roll/units=($(ROLLS))$$' -benchtime 1x -count 3 -timeout 1h ./tests/cost > $(BENCH)/counts.txt
	go test -run '^$$' -bench 'Queue|Call|Hook$$' -count 5 ./internal/codec ./tests/cost ./hooktool ./jujusim > $(BENCH)/parts.txt
	cat $(BENCH)/counts.txt $(BENCH)/parts.txt | go run ./tests/cost/report table >> $(BENCH)/tables.txt
	@cat $(BENCH)/tables.txt

bench-peers: build ## the same beside a Python charm, on real Juju too if a controller is up (HOOK_TOOL=jujuc for Juju's own hook tools)
	@mkdir -p $(BENCH)
	go run ./internal/pack -dir build/charm
	tests/rival/build.sh build/peer
	tests/rival/with-juju-exec.sh bin/jujusim bin/jujusim bench --charm build/charm --charm build/peer \
		--rolls 1,3,10,30 --runs 10 --limit 10m --json $(BENCH)/peers.json $(if $(HOOK_TOOL),--hook-tool $(HOOK_TOOL)) > $(BENCH)/peers.txt
	@cat $(BENCH)/peers.txt
	@if juju controllers 2>/dev/null | grep -q '\*'; then go run ./tests/rival/juju -charm build/charm -charm build/peer; \
		else echo 'no Juju controller is up: nothing measured on real Juju'; fi

clean: ## remove what the other targets made
	rm -rf bin build *.charm
