# make install   .venv with kwant (built from source) and this package, editable
# make figure    figures/: where the heat goes, at four temperatures
# make test      all tests, the style check, the floors of the house, types
# make sanitize  the kernels' tests under the compiler's sanitizers
# make benchmark speed against named alternatives
# make pictures  those in the README and the pages, drawn anew into examples/: look at them, then commit
# make docs      the pages first (a minute), then the gallery with every example run (five): docs/_build/html
# make pages     the pages alone, without the gallery's pictures

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# kwant is on PyPI as source only; its shipped C files do not fit numpy 2, so cython makes them anew.
KWANT := kwant==1.5.0
BUILD_NEEDS := "setuptools>=77" wheel "cython>=3" "numpy>=2" scipy tinyarray

# A worker for every processor, each on one thread.
ONE_THREAD := KWANT_DISSIP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
SPHINX := $(ONE_THREAD) MPLBACKEND=Agg $(BIN)/python -m sphinx -W -n -d docs/_build/doctrees

.PHONY: install figure pictures test sanitize benchmark pages docs clean

install: $(VENV)/installed

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(BUILD_NEEDS)
	touch $@

$(VENV)/kwant: $(VENV)/pip
	@echo "Building kwant, which takes some minutes; the compiler's output goes to $(VENV)/kwant.log"
	$(BIN)/python -m pip wheel --quiet --no-deps --no-cache-dir --use-pep517 --no-build-isolation \
	    --config-settings="--global-option=--cython" --wheel-dir $(VENV)/wheels $(KWANT) > $(VENV)/kwant.log 2>&1 \
	    || (tail -n 30 $(VENV)/kwant.log; false)
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall $(VENV)/wheels/kwant-*.whl
	touch $@

KERNELS := $(wildcard kwant_dissip/native/*.[ch] kwant_dissip/native/*.pyx)

$(VENV)/installed: $(VENV)/kwant setup.cfg setup.py pyproject.toml $(KERNELS)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test]"
	touch $@

$(VENV)/benchmark: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[benchmark]"
	touch $@

figure: install
	$(BIN)/kwant-dissip figure2 --out figures

pictures: install
	$(ONE_THREAD) $(BIN)/python docs/pictures.py

test: install
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(ONE_THREAD) $(BIN)/python -m pytest --numprocesses auto

# The kernels' tests with a copy of the package that watches its own memory and arithmetic.
sanitize: install
	CFLAGS="-O1 -fsanitize=address,undefined -fno-sanitize-recover=all" $(BIN)/python setup.py -q build \
	    --build-base build/sanitized --build-lib build/sanitized/lib
	$(ONE_THREAD) LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 \
	    PYTHONPATH=build/sanitized/lib $(BIN)/python -P -m pytest -p no:cacheprovider tests/native \
	    tests/leads/test_lead_bands.py

benchmark: $(VENV)/benchmark
	$(BIN)/python -m benchmarks

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[docs]"
	touch $@

pages: $(VENV)/docs
	$(SPHINX) -D plot_gallery=0 -b html docs docs/_build/html
	@echo "To read: docs/_build/html/index.html"

# Each example is run once: what is built already is kept, and an interrupted gallery leaves the pages as they are.
docs: pages
	$(SPHINX) -b html docs docs/_build/html
	$(BIN)/python docs/pictures.py --check docs/_build/examples
	$(SPHINX) -b linkcheck docs docs/_build/links

clean:
	rm -rf $(VENV) figures build dist docs/_build docs/gallery docs/reference/generated *.egg-info
