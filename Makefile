ARCH ?= $(shell go env GOARCH)

.PHONY: build charm clean

build: ## build all programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./cmd/...

charm: ## make rolling-ops_ARCH.charm without charmcraft (ARCH=amd64 or arm64)
	go run ./internal/pack -arch $(ARCH)

clean: ## remove what the other targets made
	rm -rf bin *.charm
