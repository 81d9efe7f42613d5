# Providers whose proof comes from elsewhere, for the end-to-end tests.
GOOD_SO := $(patsubst tests/good_plugins/%.c,$(BUILD)/good_plugins/%.so,$(wildcard tests/good_plugins/*.c))

e2e-ready: $(GOOD_SO)

$(BUILD)/good_plugins/%.so: tests/good_plugins/%.c
	@mkdir -p $(@D)
	$(CC) $(PLUGIN_CFLAGS) $(PLUGIN_LDFLAGS) -o $@ $<
	@chmod go-w $@ $(@D)
