# `make bench`: measured side by side with peers in one run. BENCH_ROUNDS and BENCH_SECONDS shorten it.
BENCH_OUT := $(BUILD)/bench
BENCH_LOAD := paced idle logins
BENCH_BARE := evhttp_hello bev_hello hash_rate
BENCH_BIN := $(addprefix $(BENCH_OUT)/,$(BENCH_LOAD) $(BENCH_BARE))
BENCH_SO := $(PLUGINS:%=$(BENCH_OUT)/plugins/%.so) $(BENCH_OUT)/plugins/probe_sms.so

.PHONY: bench bench-build

$(BENCH_OUT)/%.o: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -c -o $@ $<

$(addprefix $(BENCH_OUT)/,$(BENCH_LOAD)): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o $(BENCH_OUT)/client.o
	$(CC) $(SANFLAGS) -o $@ $^

$(addprefix $(BENCH_OUT)/,$(BENCH_BARE)): $(BENCH_OUT)/%: $(BENCH_OUT)/%.o
	$(CC) $(SANFLAGS) -o $@ $^ -levent -lcrypt

$(BENCH_OUT)/plugins/probe_sms.so: $(BENCH_OUT)/probe_sms.o
	@mkdir -p $(@D)
	$(CC) $(PLUGIN_LDFLAGS) -o $@ $^
	@chmod go-w $@ $(@D)

# A server has one folder of plugins: the real ones stand beside the probe.
$(BENCH_OUT)/plugins/%.so: $(BUILD)/plugins/%.so
	@mkdir -p $(@D)
	install -m 755 $< $@

bench-build: all $(BENCH_BIN) $(BENCH_SO)

bench: bench-build
	sh bench/deps.sh $(BENCH_OUT)
	PINTLE_BUILD=$(abspath $(BUILD)) $(PYTHON) bench/run.py
