ARCH ?= $(shell go env GOARCH)

.PHONY: build charm clean integration

build: ## build all programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...

charm: ## make rolling-ops_ARCH.charm without charmcraft (ARCH=amd64 or arm64)
	go run ./internal/pack -arch $(ARCH)

CONTROLLERS = $${JUJU_DATA:-$${XDG_DATA_HOME:-$$HOME/.local/share}/juju}/controllers.yaml
integration: ## run the scripts on a real Juju controller (KEEP=1, BASE=ubuntu@22.04, RUN=TestScripts: see docs/testing.md)
	@grep -qs uuid: "$(CONTROLLERS)" || { echo 'integration: no Juju controller; get one with "snap install juju lxd && lxd init --auto && juju bootstrap localhost"' >&2; exit 1; }
	@$(MAKE) --no-print-directory charm
	cd tests/integration/juju && ARCH=$(ARCH) go test -count=1 -v -timeout 3h -parallel 2 -run '$(or $(RUN),.)' .

clean: ## remove what the other targets made
	rm -rf bin *.charm
