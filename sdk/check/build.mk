# pintle-check: the checker for plugins. It takes small modules of the host and the drivers a plugin's
# services need; never the host itself.
CHECK_DRIVER := db_sqlite
CHECK_HOST := account account_identity account_unlink arena base64 clock conf conf_line conf_value db err file hash_foreign \
	hash_scheme identifier instance_table json key_dir log migrate opt opt_parse opt_table plugin plugin_file plugin_guard \
	return_url rng seal transact utf8 xalloc
CHECK_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard sdk/check/*.c sdk/check/suite/*.c)) \
	$(BUILD)/check/kv_contract.o $(BUILD)/check/db_contract.o \
	$(CHECK_HOST:%=$(BUILD)/test/host/%.o) $(BUILD)/gen/core_schema.o \
	$(patsubst plugins/%.c,$(BUILD)/plugins/%.o,$(wildcard plugins/$(CHECK_DRIVER)/*.c))
CHECK_CFLAGS = $(HOST_CFLAGS) -DPINTLE_TEST -Isdk/check -Isdk/check/suite -Itests/unit
CHECK_LIBS = $(shell pkg-config --libs inih jansson openssl libcrypt libargon2) \
	$(shell cat plugins/$(CHECK_DRIVER)/LIBS) -ldl

$(BUILD)/sdk/check/%.o: sdk/check/%.c
	@mkdir -p $(@D)
	$(CC) $(CHECK_CFLAGS) -c -o $@ $<

$(BUILD)/check/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(CHECK_CFLAGS) -c -o $@ $<

# The store in memory serves the unit tests too.
$(BUILD)/unit/%.o: HOST_CFLAGS += -Isdk/check
$(UNIT): $(BUILD)/sdk/check/kv_memory.o

$(BUILD)/pintle-check: $(CHECK_OBJ)
	$(CC) $(SANFLAGS) $(LDFLAGS) -pie -o $@ $^ $(CHECK_LIBS)

all: $(BUILD)/pintle-check

# Each plugin of the tree with its cases; and the checker itself, on plugins that break one rule each.
PLUGIN_CHECK := $(PLUGINS:%=plugin-check-%)
.PHONY: plugin-check checker-check $(PLUGIN_CHECK)
plugin-check: $(PLUGIN_CHECK) checker-check

$(PLUGIN_CHECK): plugin-check-%: $(BUILD)/pintle-check $(BUILD)/plugins/%.so
	@echo "pintle-check $*"
	@sh sdk/check/run_one.sh $(BUILD) $*

checker-check: $(BUILD)/pintle-check
	BUILD=$(BUILD) CC="$(CC)" SANFLAGS="$(SANFLAGS)" sh tests/checker/run.sh
