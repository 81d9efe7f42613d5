# `make bench`: measured side by side with peers in one run. BENCH_ROUNDS and BENCH_SECONDS shorten it;
# BENCH_ONLY=stores is the part on MariaDB and Redis, which `make bench` alone leaves out.
BENCH_ONLY ?=
BENCH_OUT := $(BUILD)/bench
BENCH_LOAD := paced idle logins
BENCH_BARE := evhttp_hello bev_hello hash_rate
BENCH_STORES := redis_raw group_commit
BENCH_HOST := kv_threads
BENCH_OWN := probe_sms
BENCH_BIN := $(addprefix $(BENCH_OUT)/,$(BENCH_LOAD) $(BENCH_BARE))
BENCH_STORES_BIN := $(addprefix $(BENCH_OUT)/,$(BENCH_STORES))
BENCH_HOST_BIN := $(addprefix $(BENCH_OUT)/,$(BENCH_HOST))
BENCH_SO := $(addprefix $(BENCH_OUT)/plugins/,$(PLUGINS:%=%.so) $(BENCH_OWN:%=%.so))

.PHONY: bench bench-build

$(BENCH_OUT)/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -c -o $@ $<

$(addprefix $(BENCH_OUT)/,$(BENCH_LOAD)): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o $(BENCH_OUT)/client.o
	$(CC) $(SANFLAGS) -o $@ $^

$(addprefix $(BENCH_OUT)/,$(BENCH_BARE)): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o
	$(CC) $(SANFLAGS) -o $@ $^ -levent -lcrypt

$(BENCH_OUT)/group_commit.o: ALL_CFLAGS += $(shell pkg-config --cflags libmariadb)

$(BENCH_STORES_BIN): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o $(BENCH_OUT)/client.o
	$(CC) $(SANFLAGS) -o $@ $^ -levent -lhiredis -lmariadb -lpthread

# Parts of the host itself, driven without its edge.
$(BENCH_HOST:%=$(BENCH_OUT)/%.o): $(BENCH_OUT)/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -c -o $@ $<

$(BENCH_HOST_BIN): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o $(BENCH_OUT)/client.o $(BUILD)/libhost.a
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -o $@ $^ $(HOST_LIBS)

$(BENCH_OWN:%=$(BENCH_OUT)/plugins/%.so): $(BENCH_OUT)/plugins/%.so: $(BENCH_OUT)/%.o
	@mkdir -p $(@D)
	$(CC) $(PLUGIN_LDFLAGS) -o $@ $^
	@chmod go-w $@ $(@D)

# A server has one folder of plugins: the real ones stand beside the probe.
$(BENCH_OUT)/plugins/%.so: $(BUILD)/plugins/%.so
	@mkdir -p $(@D)
	install -m 755 $< $@

bench-build: all $(BENCH_BIN) $(BENCH_STORES_BIN) $(BENCH_HOST_BIN) $(BENCH_SO)

bench: bench-build
	sh bench/deps.sh $(BENCH_OUT)
	PINTLE_BUILD=$(abspath $(BUILD)) BENCH_ONLY=$(BENCH_ONLY) $(PYTHON) bench/run.py
