# What there is to do here. Every test target ends with a line `N passed, N failed`.
#
# Everything is built with --workspace and the dev profile, so that demo and tests share one build.
.PHONY: demo test story clients browser soak bench lint deps

TARGET = $${CARGO_TARGET_DIR:-target}

# The switch with an emulated front end, base stations, handsets and calls.
demo:
	@scripts/deps build
	cargo build --workspace
	$(TARGET)/debug/kirkwall demo

# Everything: unit tests, integration tests, real clients. KIRKWALL_SIPP_CALLS sizes the load (10000).
test:
	@scripts/deps build clients
	scripts/tally cargo test --workspace --no-fail-fast

# Stories of one area: make story AREA=spine; all of them without AREA. The language: docs/stories.md.
story:
	@test -d "tests/stories/$(AREA)" || { echo "there are no stories in tests/stories/$(AREA); there are: $$(ls tests/stories | tr '\n' ' ')"; exit 2; }
	@scripts/deps build
	scripts/tally cargo test --workspace --test stories -- $(if $(AREA),$(AREA)/)

# Only the tests with real clients.
clients:
	@scripts/deps build clients
	scripts/tally cargo test --workspace --test clients -- --nocapture

# Ten thousand towns of random users, a bad network and kill -9, in virtual time: some ten minutes.
# A town that fails is told again with its diary by KIRKWALL_FIRST_SEED=n KIRKWALL_SEEDS=1.
soak:
	KIRKWALL_SEEDS=$${KIRKWALL_SEEDS:-10000} cargo test -p kirkwall-core --lib call::town -- --nocapture

# Pictures of pages over a scripted switch, by KIRKWALL_SCREENSHOTS=FOLDER. What `make test` looks at in Chromium
# is tests/clients/pages.rs.
browser:
	@scripts/deps build browser
	cargo test -p kirkwall-web --test browser -- --ignored

# Figures beside kamailio and rtpengine, in one run, and those of the phone book.
bench:
	@scripts/deps build bench
	cargo build --release --workspace --bins --examples
	cargo bench --workspace --bench peers
	cargo run --release -p kirkwall-core --example phone_book_bench

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

deps:
	@scripts/deps
