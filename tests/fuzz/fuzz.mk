# Every tests/fuzz/fuzz_<name>.c is a target of libFuzzer, run on its kept corpus. `make fuzz` runs each for
# FUZZ_SECONDS; `make fuzz-short` for a moment, to see that all still build, hold and start from the corpus.
FUZZ_SECONDS ?= 600
FUZZ_CC ?= clang
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
	-fsanitize=fuzzer-no-link,address,undefined
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_OBJ := $(HOST_SRC:%.c=$(BUILD)/fuzz/%.o) $(patsubst $(BUILD)/%.c,$(BUILD)/fuzz/%.o,$(HOST_GEN))
# What a target tests beside the host.
FUZZ_kv_record := plugins/kv_lmdb/record.c
FUZZ_kv_record_LIBS := -llmdb
FUZZ_oauth2 := $(foreach module,base64url discovery document idtoken keys upstream,plugins/oauth2/$(module).c)

fuzz_compile = @mkdir -p $(@D); $(FUZZ_CC) $(FUZZ_FLAGS) -MMD -MP -Isdk/include -Ihost -I$(BUILD)/gen \
	-Iplugins -DPINTLE_TEST -DPINTLE_VERSION='"$(VERSION)"' -DPINTLE_PLUGIN_DIR='""' \
	$(shell pkg-config --cflags $(PKGS)) -c -o $@ $<

$(BUILD)/fuzz/gen/%.o: $(BUILD)/gen/%.c
	$(fuzz_compile)

$(BUILD)/fuzz/%.o: %.c
	$(fuzz_compile)

$(BUILD)/fuzz/libhost.a: $(FUZZ_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

.SECONDEXPANSION:
$(FUZZ_NAMES:%=$(BUILD)/fuzz/fuzz_%): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o \
		$$(addprefix $(BUILD)/fuzz/,$$(FUZZ_$$*:.c=.o)) $(BUILD)/fuzz/libhost.a
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(HOST_LIBS) $(FUZZ_$*_LIBS)

fuzz: $(FUZZ_NAMES:%=$(BUILD)/fuzz/fuzz_%)
	@sh scripts/run_fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)

fuzz-short: FUZZ_SECONDS := 4
fuzz-short: fuzz
