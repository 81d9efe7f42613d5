/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the file can be loaded at all, by the host's own loader, and what loading it does. */
#include "rules.h"
#include "side.h"
#include "xalloc.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <libgen.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef const struct pintle_plugin *entry_fn(void);

static bool load(struct check *check, struct err *err)
{
	char *copy = xstrdup(check->path);
	int fd = plugin_open_file(dirname(copy), check->name, err);
	bool ok;

	report_at("loading");
	free(copy);
	ok = fd >= 0 && plugin_load(&check->plugin, check->name, fd, err);
	(void)side_enter(SIDE_HOST);
	return ok;
}

/* A table of options that is wrong is rule O01's. */
static bool is_about_options(const struct err *err)
{
	return strstr(err->text, ": option ") || strstr(err->text, "conf_size");
}

void rule_loads(void *ctx)
{
	struct check *check = ctx;
	struct err err;

	if (!load(check, &err) && !is_about_options(&err))
		report_fail("L01", "%s", err.text);
}

/* ---- Around every other stage ---- */

static struct sigaction earlier;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (lent_is_gone(info->si_addr))
		report_die("M01", "it uses memory the host has lent for a call that has ended");
	(void)sigaction(number, &earlier, NULL); /* the fault comes again, and counts as a crash */
}

static void watch_memory(void)
{
	const struct sigaction action = { .sa_sigaction = on_fault,
					  .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static char stack[65536];
	const stack_t spare = { .ss_sp = stack, .ss_size = sizeof(stack) };

	(void)sigaltstack(&spare, NULL);
	(void)sigaction(SIGSEGV, &action, &earlier);
}

void rules_begin(struct check *check)
{
	struct err err;

	(void)side_enter(SIDE_HOST);
	if (!load(check, &err))
		report_skip("it does not load");
	watch_memory();
	for (size_t i = 0; i < check->cases.trusted.n; i++)
		side_trust(check->cases.trusted.items[i].name);
}

/* ---- What it exports ---- */

struct elf {
	const char *base;
	size_t len;
};

static bool map_file(const char *path, struct elf *elf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *base = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof(ElfW(Ehdr)))
		base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (base == MAP_FAILED)
		return false;
	*elf = (struct elf){ base, (size_t)st.st_size };
	return memcmp(base, ELFMAG, SELFMAG) == 0;
}

static const ElfW(Shdr) * section(const struct elf *elf, size_t index)
{
	const ElfW(Ehdr) *head = (const void *)elf->base;
	size_t at = head->e_shoff + index * sizeof(ElfW(Shdr));

	return index < head->e_shnum && at + sizeof(ElfW(Shdr)) <= elf->len
		       ? (const void *)(elf->base + at)
		       : NULL;
}

static bool is_export(const ElfW(Sym) * symbol, const char *name)
{
	/* Weak ones come from C++ templates; sanitizers and the linker begin theirs with "_". */
	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL &&
	       (symbol->st_other & 3) == STV_DEFAULT && *name != '_' &&
	       strcmp(name, "pintle_plugin_entry") != 0;
}

static void look_at_symbols(const struct elf *elf, const ElfW(Shdr) * table)
{
	const ElfW(Shdr) *names = section(elf, table->sh_link);

	if (!names || table->sh_offset + table->sh_size > elf->len)
		return;
	for (size_t at = 0; at + sizeof(ElfW(Sym)) <= table->sh_size; at += sizeof(ElfW(Sym))) {
		const ElfW(Sym) *symbol = (const void *)(elf->base + table->sh_offset + at);
		const char *name = elf->base + names->sh_offset + symbol->st_name;

		if (name < elf->base + elf->len && is_export(symbol, name))
			report_fail("L02", "it exports %s; build with -fvisibility=hidden", name);
	}
}

void rule_exports(void *ctx)
{
	const struct check *check = ctx;
	const ElfW(Shdr) * one;
	struct elf elf;

	if (!map_file(check->path, &elf))
		report_skip("it is no ELF file");
	for (size_t i = 0; (one = section(&elf, i)); i++) {
		if (one->sh_type == SHT_DYNSYM)
			look_at_symbols(&elf, one);
	}
}

/* ---- What its entry does ---- */

int rules_count(const char *dir)
{
	DIR *stream = opendir(dir);
	int n = 0;

	while (stream && readdir(stream))
		n++;
	if (stream)
		(void)closedir(stream);
	return n;
}

static off_t written(void)
{
	struct stat st;

	(void)fflush(NULL);
	return fstat(STDERR_FILENO, &st) == 0 ? st.st_size : 0;
}

void rule_entry(void *ctx)
{
	const struct check *check = ctx;
	int n_threads = rules_count("/proc/self/task"), n_fds = rules_count("/proc/self/fd");
	off_t n_written = written();
	const struct pintle_plugin *first, *second;
	int64_t n_blocks;
	entry_fn *entry;
	void *handle;

	(void)side_enter(SIDE_HOST);
	report_at("its constructors");
	handle = dlopen(check->path, RTLD_NOW | RTLD_LOCAL);
	if (handle)
		*(void **)&entry = dlsym(handle, "pintle_plugin_entry");
	if (!handle || !entry)
		report_skip("it does not load");
	report_at("pintle_plugin_entry");
	n_blocks = side_n_blocks();
	(void)side_enter(SIDE_PLUGIN);
	first = entry();
	second = entry();
	(void)side_enter(SIDE_HOST);
	if (side_n_blocks() != n_blocks)
		report_fail("L03", "its entry allocates memory");
	if (first != second)
		report_fail("L03", "its entry answers another descriptor each time");
	if (rules_count("/proc/self/task") != n_threads)
		report_fail("L03", "loading it starts a thread");
	if (rules_count("/proc/self/fd") != n_fds)
		report_fail("L03", "loading it opens a descriptor");
	if (written() != n_written)
		report_fail("L03", "loading it prints");
}
