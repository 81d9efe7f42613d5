# The whole build. `make run` and `make check` are all a newcomer needs; `make help` lists the rest.
VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr
LIBDIR ?= $(PREFIX)/lib
CC ?= cc
# More for pintled of `make run`: make run RUN_ARGS='-o server.listen=127.0.0.1:9080'
RUN_ARGS ?=
# Where to reach it then: the last address in RUN_ARGS, else the default.
RUN_ADDRESS = $(lastword 127.0.0.1:8080 $(patsubst server.listen=%,%,$(filter server.listen=%,$(RUN_ARGS))))
# How pintlectl finds it, where RUN_ARGS name another folder for what it keeps.
RUN_STATE = $(patsubst server.state_dir=%,-s % ,$(lastword $(filter server.state_dir=%,$(RUN_ARGS))))
# address, thread or nothing: see the targets asan and tsan
SAN ?=
STRICT ?=

PYTHON := /usr/bin/python3
E2E ?= tests/e2e
PYTEST = env PINTLE_BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -n 2 --dist loadfile -p no:cacheprovider
PKGS := libevent libevent_openssl libevent_pthreads inih jansson libjwt libcurl openssl libcrypt libargon2

comma := ,

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings $(if $(STRICT),-Werror)
HARDEN := $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong
SANFLAGS := $(if $(filter address,$(SAN)),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined) \
	$(if $(filter thread,$(SAN)),-fsanitize=thread)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -fno-omit-frame-pointer \
	-Isdk/include -MMD -MP
HOST_CFLAGS = $(ALL_CFLAGS) -fPIE -Ihost -I$(BUILD)/gen -DPINTLE_VERSION='"$(VERSION)"' \
	-DPINTLE_PLUGIN_DIR='"$(LIBDIR)/pintle/plugins"' $(shell pkg-config --cflags $(PKGS))
HOST_LIBS = $(shell pkg-config --libs $(PKGS)) -lwslay -ldl -lpthread
PLUGIN_CFLAGS = $(ALL_CFLAGS) -fPIC -fvisibility=hidden
LDFLAGS ?= -Wl,-z,relro,-z,now
PLUGIN_LDFLAGS = -shared $(LDFLAGS) $(SANFLAGS) $(if $(SAN),,-Wl$(comma)-z$(comma)defs)

HOST_SRC := $(filter-out host/main.c,$(wildcard host/*.c))
HOST_GEN := $(BUILD)/gen/core_schema.c $(BUILD)/gen/openapi.c $(BUILD)/gen/web.c
HOST_OBJ := $(HOST_SRC:%.c=$(BUILD)/%.o) $(HOST_GEN:%.c=%.o)
TEST_OBJ := $(HOST_SRC:%.c=$(BUILD)/test/%.o) $(HOST_GEN:%.c=%.o)
CTL_SRC := $(wildcard ctl/*.c)
PLUGINS := $(notdir $(patsubst %/,%,$(wildcard plugins/*/)))
PLUGIN_SO := $(PLUGINS:%=$(BUILD)/plugins/%.so)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_HELP := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
UNIT := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)

.PHONY: all run check check-matrix full deps deps-check unit e2e-ready e2e e2e-core lint asan tsan fuzz fuzz-short bench install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/pintled $(BUILD)/pintlectl $(PLUGIN_SO)

help:
	@echo 'make            build everything into $(BUILD)/'
	@echo 'make run        install what is missing, build, start on the embedded stores'
	@echo 'make check      install what the tests need, build, run every test'
	@echo 'make check-matrix   every end-to-end test on every pair of stores, and on two hosts'
	@echo 'make unit e2e lint asan tsan fuzz   parts of it, and longer ones'
	@echo 'make full       the tests of races, crashes, reloads and floods in their long form'
	@echo 'make valgrind   the unit tests and a server with all its workers under memcheck'
	@echo 'make bench      speed beside nginx, libevent, express, Glewlwyd, into bench/results/;'
	@echo '                BENCH_ONLY=stores: beside Redis and MariaDB themselves'
	@echo 'make install    DESTDIR, PREFIX: programs, plugins, SDK'

# ---- Programs ----

$(BUILD)/libhost.a: $(HOST_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/test/libhost.a: $(TEST_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/pintled: $(BUILD)/host/main.o $(BUILD)/libhost.a
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -o $@ $^ $(HOST_LIBS)

# The same with a clock that tests can set.
$(BUILD)/test/pintled: $(BUILD)/test/host/main.o $(BUILD)/test/libhost.a
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -o $@ $^ $(HOST_LIBS)

$(BUILD)/pintlectl: $(CTL_SRC:%.c=$(BUILD)/%.o)
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -o $@ $^ $(shell pkg-config --libs libcurl jansson)

$(BUILD)/ctl/%.o: ctl/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIE -DPINTLE_VERSION='"$(VERSION)"' $(shell pkg-config --cflags libcurl jansson) -c -o $@ $<

$(BUILD)/host/%.o: host/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -c -o $@ $<

$(BUILD)/test/host/%.o: host/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -DPINTLE_TEST -c -o $@ $<

# ---- Generated sources ----

$(BUILD)/gen/core_schema.c: scripts/embed_schema.sh $(wildcard host/schema/*/*.sql)
	@mkdir -p $(@D)
	sh scripts/embed_schema.sh host/schema migrate_core migrate_n_core > $@

$(BUILD)/gen/openapi.c: scripts/openapi_embed.sh docs/openapi.yaml
	@mkdir -p $(@D)
	sh scripts/openapi_embed.sh docs/openapi.yaml > $@

$(BUILD)/gen/web.c: scripts/embed_web.sh $(wildcard web/*)
	@mkdir -p $(@D)
	sh scripts/embed_web.sh web > $@

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(CC) $(HOST_CFLAGS) -c -o $@ $<

# ---- Plugins: a folder each; nothing here names one ----

define plugin_rules
$(1)_SRC := $$(wildcard plugins/$(1)/*.c)
$(1)_SQL := $$(wildcard plugins/$(1)/schema/*/*.sql)
$(1)_GEN := $$(if $$($(1)_SQL),$(BUILD)/gen/$(1)/schema.h)

$(BUILD)/gen/$(1)/schema.h: scripts/embed_schema.sh $$($(1)_SQL)
	@mkdir -p $$(@D)
	sh scripts/embed_schema.sh plugins/$(1)/schema schema > $$@

$(BUILD)/plugins/$(1)/%.o: plugins/$(1)/%.c $$($(1)_GEN) $$(wildcard plugins/$(1)/*.txt)
	@mkdir -p $$(@D)
	$$(CC) $$(PLUGIN_CFLAGS) -I$(BUILD)/gen/$(1) -c -o $$@ $$<

$(BUILD)/plugins/$(1).so: $$(patsubst plugins/%.c,$(BUILD)/plugins/%.o,$$($(1)_SRC))
	$$(CC) $$(PLUGIN_LDFLAGS) -o $$@ $$^ $$(shell cat plugins/$(1)/LIBS 2>/dev/null)
	@chmod go-w $$@ $$(@D)
endef
$(foreach plugin,$(PLUGINS),$(eval $(call plugin_rules,$(plugin))))

# ---- Tests ----

$(BUILD)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -DPINTLE_TEST -DBUILD_DIR='"$(abspath $(BUILD))"' -Itests/unit -c -o $@ $<

$(BUILD)/unit/test_%: $(BUILD)/unit/test_%.o $(UNIT_HELP:tests/unit/%.c=$(BUILD)/unit/%.o) $(BUILD)/test/libhost.a $(PLUGIN_SO)
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -rdynamic -o $@ $(filter %.o %.a,$^) $(HOST_LIBS) -lcmocka -lsqlite3 -lhiredis

# A test of a plugin or of its module, tests/unit/test_<plugin>[_<module>].c, is linked to what it needs of it.
$(BUILD)/plugins/%.a: $(BUILD)/plugins/%.so
	@rm -f $@
	$(AR) rcs $@ $(patsubst %.c,$(BUILD)/%.o,$($*_SRC))

$(foreach plugin,$(PLUGINS),$(eval $(BUILD)/unit/test_$(plugin): $(BUILD)/plugins/$(plugin).a))
module_test = $(BUILD)/unit/test_$(subst /,_,$(1:plugins/%.c=%))
$(foreach module,$(wildcard plugins/*/*.c),$(eval $(call module_test,$(module)): \
	$(BUILD)/$(patsubst %/,%.a,$(dir $(module)))))

unit: $(UNIT)
	@$(if $(SAN),LIMIT_S=1200) sh scripts/run_unit.sh $(UNIT)

e2e-ready: all $(BUILD)/test/pintled

# PINTLE_STORES=mysql+redis make e2e E2E=tests/e2e/test_codes.py
e2e: e2e-ready
	$(PYTEST) $(E2E) $(PYTEST_ARGS)

e2e-core: e2e-ready
	PINTLE_STORES=mysql+redis $(PYTEST) -m core $(E2E) $(PYTEST_ARGS)

check:
	sh scripts/deps.sh check
	$(MAKE) -j$$(nproc) STRICT=1 check-ready
	$(MAKE) STRICT=1 lint unit plugin-check fuzz-short valgrind-short
	$(MAKE) STRICT=1 e2e PYTEST_ARGS='-m "not own_stores"'
	$(MAKE) STRICT=1 e2e-core

# The long forms: they want the machine for themselves, so one test after the other. Every file that has
# one takes its size from tests/e2e/parallel.py.
full: E2E = $(shell grep -lE '^from parallel import' tests/e2e/test_*.py)
full: e2e-ready
	PINTLE_FULL=1 $(PYTEST) -n 0 $(E2E) $(PYTEST_ARGS)

check-matrix:
	sh scripts/deps.sh check
	$(MAKE) STRICT=1 e2e-ready
	sh scripts/matrix.sh $(BUILD)/matrix $(PYTEST) $(E2E) $(PYTEST_ARGS)

asan:
	$(MAKE) BUILD=build/asan SAN=address CFLAGS='-O1 -g' unit plugin-check e2e

tsan:
	TSAN_OPTIONS=atexit_sleep_ms=0 $(MAKE) BUILD=build/tsan SAN=thread CFLAGS='-O1 -g' unit plugin-check e2e

lint: $(foreach plugin,$(PLUGINS),$($(plugin)_GEN))
	BUILD=$(BUILD) sh scripts/lint.sh

# ---- Run and install ----

run:
	sh scripts/deps.sh run
	$(MAKE) all
	@echo 'Once it is ready, in another terminal: a code for a phone number, and the code itself.'
	@echo "  curl -s http://$(RUN_ADDRESS)/api/v1/auth/send-sms-code \\"
	@echo "    -H 'Content-Type: application/json' -d '{\"phone\":\"13800138000\"}'"
	@echo '  $(BUILD)/pintlectl $(RUN_STATE)outbox'
	@echo 'README.md goes on from there. Ctrl-C stops the server.'
	$(BUILD)/pintled -c conf.d $(RUN_ARGS)

deps:
	sh scripts/deps.sh run

deps-check:
	sh scripts/deps.sh check

clean:
	rm -rf $(BUILD)

include tests/bad_plugins/build.mk
include tests/good_plugins/build.mk
include tests/fuzz/fuzz.mk
include tests/valgrind.mk
include sdk/check/build.mk
include sdk/install.mk
include bench/bench.mk

# What make check builds, with a compiler a processor; the tests themselves run one after the other.
.PHONY: check-ready
check-ready: e2e-ready $(UNIT) $(FUZZ_NAMES:%=$(BUILD)/fuzz/fuzz_%)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
