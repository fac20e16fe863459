# Two commands are enough: `make demo` runs the main job, `make test` passes the tests.
.PHONY: demo test check constraints clean

PYTHON ?= python3
BIN := .venv/bin

# Installed uncompiled, a library is compiled when it is first imported. Where nothing may be kept,
# as in images that set this, every process would compile all it imports again.
unexport PYTHONDONTWRITEBYTECODE

READY := .venv/.ready

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/onramp demo

test: $(READY)
	@deploy/postgres-redis/install-servers.sh
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/serving/Containerfile

# After a change of dependencies in pyproject.toml.
constraints:
	$(BIN)/uv pip compile --quiet --universal --all-extras --python-version 3.11 \
	  --no-header --no-annotate --no-emit-index-url --upgrade pyproject.toml -o constraints.txt

clean:
	rm -rf .venv
