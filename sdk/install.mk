# `make install`: programs, plugins, configuration and the SDK, below DESTDIR and PREFIX.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pintle/plugins $(DESTDIR)$(PREFIX)/include/pintle
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/share/pintle/template $(DESTDIR)/etc/pintle/conf.d
	install -m 0755 $(BUILD)/pintled $(BUILD)/pintlectl $(BUILD)/pintle-check $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(PLUGIN_SO) $(DESTDIR)$(LIBDIR)/pintle/plugins
	install -m 0644 sdk/include/pintle/*.h $(DESTDIR)$(PREFIX)/include/pintle
	install -m 0644 sdk/plugin.mk $(DESTDIR)$(PREFIX)/share/pintle
	install -m 0755 scripts/embed_schema.sh $(DESTDIR)$(PREFIX)/share/pintle
	install -m 0644 sdk/template/* $(DESTDIR)$(PREFIX)/share/pintle/template
	install -m 0644 sdk/check/README.md $(DESTDIR)$(PREFIX)/share/pintle/pintle-check.md
	@# What an operator has edited stays.
	for file in conf.d/*.ini; do \
		[ -e $(DESTDIR)/etc/pintle/$$file ] || install -m 0644 $$file $(DESTDIR)/etc/pintle/conf.d || exit 1; \
	done
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
		sdk/pintle.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/pintle.pc
