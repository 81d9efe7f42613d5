# Plugins that break one rule each, for the end-to-end tests. Without sanitizers: they are to crash by
# themselves, and the host has to see it. The faulty ones stand in front of the drivers of this build.
BAD_SO := $(patsubst tests/bad_plugins/%.c,$(BUILD)/bad_plugins/%.so,$(wildcard tests/bad_plugins/*.c))

.PHONY: bad_plugins
bad_plugins: $(BAD_SO)

e2e-ready: bad_plugins

$(BUILD)/bad_plugins/%.so: tests/bad_plugins/%.c
	@mkdir -p $(@D)
	$(CC) $(filter-out $(SANFLAGS),$(PLUGIN_CFLAGS) $(PLUGIN_LDFLAGS)) \
		-DBUILD_DIR='"$(abspath $(BUILD))"' -o $@ $<
	@chmod go-w $@ $(@D)
