# Two commands are for everyone: `make demo` and `make test`. Each does all of its own set-up and needs no root.
PYTHON ?= python3
BIN := .venv/bin
DEMO_DIR ?= demo-data
INSTALLING := requirements-uv.lock requirements-pip.lock pyproject.toml deploy/make_venv.sh deploy/install_locked.sh
SOURCES := standards crypto service_kit idp seal_service licence_vault yinxin tests benchmarks docs examples deploy .ci setup.py

.PHONY: setup setup-dev demo test check check-types check-rest bench docs fuzz format locks clean seal-sheet bundle bundle-check screenshots examples

setup: .venv/.ready

.venv/.ready: requirements.lock $(INSTALLING)
	@PYTHON="$(PYTHON)" sh deploy/make_venv.sh requirements.lock
	@touch $@

setup-dev: .venv/.ready-dev

.venv/.ready-dev: requirements-dev.lock $(INSTALLING)
	@PYTHON="$(PYTHON)" sh deploy/make_venv.sh requirements-dev.lock
	@touch .venv/.ready $@

# A served demonstration deployment with a sealed PDF and a forged copy. Synthetic data, software keys, no legal effect.
demo: setup
	@$(BIN)/yinxin demo --dir "$(DEMO_DIR)"

# All tests, with the coverage gates. What an optional part needs and this machine lacks is skipped with a printed reason.
test: setup-dev
	@$(BIN)/python -m tests.run_all

# Format, lint, types, import contracts, licences of what we depend on, generated files up to date. Types take as long as all the rest.
check: setup-dev
	@$(MAKE) --no-print-directory --output-sync=target -j2 check-types check-rest

check-types:
	@$(BIN)/mypy $(SOURCES)

check-rest:
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/lint-imports
	@$(BIN)/python .ci/check_licences.py
	@$(BIN)/python -m docs.generators --check

# Measures, prints and stores benchmarks/results.json. Needs wrk for the HTTP part.
bench: setup-dev
	@$(BIN)/python -m benchmarks

# Writes everything that is generated: clause matrix, OpenAPI file, error catalogue, command reference, pictures.
docs: setup-dev
	@$(BIN)/python -m docs.generators

# One file for an installation without internet: all locked packages, the program with its documents, an installer.
bundle: setup
	@sh deploy/make_bundle.sh

# The bundle, installed into a fresh folder without a network, and tried.
bundle-check: bundle
	@sh deploy/check_bundle.sh

# Ten minutes on every parser (SECONDS_EACH=600, TARGETS="der cms"); guided by coverage where atheris can be had for this Python.
SECONDS_EACH ?= 600
fuzz: setup-dev
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-fuzz.lock 2>/dev/null || \
	    echo "atheris is not to be had for this Python: blind mutation instead"
	@$(BIN)/python -m tests.fuzzing --seconds $(SECONDS_EACH) $(TARGETS)

# The sheet of all kinds of seals, for people to look at. Needs the faces of fonts-noto-core and fonts-noto-cjk.
seal-sheet: setup-dev
	@$(BIN)/python -m docs.generators.seal_sheet

# Pictures of the pages for README and guides, of a demonstration that is made for it. Needs Chromium.
screenshots: setup-dev
	@$(BIN)/python -m docs.generators.screenshots

# What the examples need, apart from everything else: their own packages, and a Python client generated from the OpenAPI file.
EXAMPLES := .tooling/examples
examples: $(EXAMPLES)/.ready
	@rm -rf $(EXAMPLES)/new && mkdir -p $(EXAMPLES)/new
	@$(EXAMPLES)/bin/openapi-python-client generate --path docs/reference/openapi.json --config examples/python/generator.yml \
	    --meta none --output-path $(EXAMPLES)/new/yinxin_client >$(EXAMPLES)/generated.log 2>&1 || { cat $(EXAMPLES)/generated.log; exit 1; }
	@rm -rf $(EXAMPLES)/client && mv $(EXAMPLES)/new $(EXAMPLES)/client

$(EXAMPLES)/.ready: requirements-examples.lock
	@[ -x $(EXAMPLES)/bin/python ] || $(PYTHON) -m venv $(EXAMPLES)
	@sh deploy/install_locked.sh $(EXAMPLES) requirements-examples.lock
	@touch $@

format: setup-dev
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

# Lock files carry hashes and no index address. Needs uv.
locks:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	printf '%s\n' openapi-python-client==0.29.1 authlib==1.9.10 httpx==0.28.1 itsdangerous==2.2.0 starlette==1.10.0 uvicorn==0.54.0 | \
	    uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-examples.lock
	echo pip==26.3 | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-pip.lock
	echo uv==0.13.9 | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-uv.lock
	echo scim2-server==0.8.3 | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-scim2-server.lock
	echo atheris==3.0.0 | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-fuzz.lock
	echo aics-tlog==0.2.1 | uv pip compile -q --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --no-annotate - -o requirements-aics-tlog.lock

clean:
	rm -rf .venv build dist *.egg-info
