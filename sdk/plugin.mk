# Builds one plugin out of tree. Before the include: PLUGIN = name; if needed SRC, LIBS, CFLAGS, SCHEMA, CASES.
#   SRC     its C files, default all here
#   LIBS    more linker flags
#   CASES   what `make check` holds the plugin against, default the file cases
#   SCHEMA  a folder <dialect>/NNN_name.sql; the plugin then includes "schema.h"
ifndef PLUGIN
$(error set PLUGIN to the plugin's name before including plugin.mk)
endif

PKG_CONFIG ?= pkg-config
SRC ?= $(wildcard *.c)
CASES ?= $(wildcard cases)
PINTLE_CHECK ?= pintle-check
OBJ := $(SRC:%.c=build/%.o)
SDK_CFLAGS := $(shell $(PKG_CONFIG) --cflags pintle)
SDK_DIR := $(shell $(PKG_CONFIG) --variable=sdkdir pintle)
PLUGIN_DIR ?= $(shell $(PKG_CONFIG) --variable=plugindir pintle)

CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(CFLAGS) -Wall -Wextra -Wshadow -fPIC -fvisibility=hidden \
	-fstack-protector-strong -MMD -MP $(SDK_CFLAGS) -Ibuild
# A plugin has no undefined symbol: what it needs of the host comes through the table.
ALL_LDFLAGS = -shared -Wl,-z,defs -Wl,-z,relro,-z,now $(LDFLAGS)

build/$(PLUGIN).so: $(OBJ)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
	@chmod go-w $@

build/%.o: %.c $(if $(SCHEMA),build/schema.h)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

build/schema.h: $(wildcard $(SCHEMA)/*/*.sql)
	@mkdir -p $(@D)
	sh $(SDK_DIR)/embed_schema.sh $(SCHEMA) schema > $@

.PHONY: check install clean
check: build/$(PLUGIN).so
	$(PINTLE_CHECK) $(if $(CASES),--cases $(CASES)) $<

install: build/$(PLUGIN).so
	install -d $(DESTDIR)$(PLUGIN_DIR)
	install -m 0644 $< $(DESTDIR)$(PLUGIN_DIR)

clean:
	rm -rf build

-include $(OBJ:.o=.d)
