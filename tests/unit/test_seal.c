/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include "scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OLD "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NEW "new:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="

static const char *const only_old[] = { OLD, NULL };
static const char *const new_then_old[] = { NEW, OLD, NULL };

static char dir[SCRATCH_MAX];
static struct arena arena;
static struct err err;

static int make_scratch(void **state)
{
	(void)state;
	scratch_make(dir);
	return 0;
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove(dir);
	arena_fini(&arena);
	return 0;
}

static void sealed_texts_open(void **state)
{
	static const char *const texts[] = { "", "x", "13800138000", "\xe7\x8e\x8b\xe5\xb0\x8f" };
	struct seal *seal = seal_new(only_old, NULL, &err);

	(void)state;
	assert_non_null(seal);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *sealed = seal_text(seal, &arena, "label", texts[i]);
		const char *again = seal_text(seal, &arena, "label", texts[i]);
		const char *plain = seal_open(seal, &arena, "label", sealed);

		if (strncmp(sealed, "1.old.", 6) != 0 || strcmp(sealed, again) == 0)
			fail_msg("%zu: %s, %s", i, sealed, again);
		if (!plain || strcmp(plain, texts[i]) != 0)
			fail_msg("%zu: opened as %s", i, plain ? plain : "nothing");
	}
	seal_free(seal);
}

static void any_change_is_noticed(void **state)
{
	struct seal *seal = seal_new(only_old, NULL, &err);
	char *sealed = seal_text(seal, &arena, "label", "secret");
	size_t len = strlen(sealed);

	(void)state;
	assert_non_null(seal_open(seal, &arena, "label", sealed));
	assert_null(seal_open(seal, &arena, "other", sealed));
	assert_null(seal_open(seal, &arena, "", sealed));
	for (size_t i = 0; i < len; i++) {
		char was = sealed[i];

		sealed[i] = was == 'A' ? 'B' : 'A';
		if (seal_open(seal, &arena, "label", sealed))
			fail_msg("character %zu of %zu", i, len);
		sealed[i] = '\0';
		if (seal_open(seal, &arena, "label", sealed))
			fail_msg("cut at %zu of %zu", i, len);
		sealed[i] = was;
	}
	seal_free(seal);
}

static void foreign_forms_are_refused(void **state)
{
	static const char *const bad[] = { "",           ".",         "1",       "1.",
					   "1.old",      "1.old.",    "1..AAAA", "2.old.AAAA",
					   "1.old.AAAA", "1.new.AAAA" };
	struct seal *seal = seal_new(only_old, NULL, &err);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (seal_open(seal, &arena, "label", bad[i]))
			fail_msg("%zu: %s", i, bad[i]);
	}
	seal_free(seal);
}

static void adding_a_key_changes_nothing_that_was(void **state)
{
	struct seal *before = seal_new(only_old, NULL, &err);
	struct seal *after = seal_new(new_then_old, NULL, &err);
	const char *sealed = seal_text(before, &arena, "label", "secret");
	char first[2 * SEAL_MAC_LEN + 1], second[2 * SEAL_MAC_LEN + 1];

	(void)state;
	assert_string_equal(seal_open(after, &arena, "label", sealed), "secret");
	seal_blind(before, "label", "text", first);
	seal_blind(after, "label", "text", second);
	assert_string_equal(first, second);
	assert_memory_equal(seal_text(after, &arena, "label", "secret"), "1.new.", 6);
	assert_null(seal_open(before, &arena, "label", seal_text(after, &arena, "label", "x")));
	seal_free(before);
	seal_free(after);
}

static void blinds_depend_on_key_label_and_text(void **state)
{
	static const char *const newer[] = { NEW, NULL };
	struct seal *seal = seal_new(only_old, NULL, &err), *other = seal_new(newer, NULL, &err);
	char base[2 * SEAL_MAC_LEN + 1], text[2 * SEAL_MAC_LEN + 1];

	(void)state;
	seal_blind(seal, "ab", "cd", base);
	assert_int_equal(strspn(base, "0123456789abcdef"), 2 * SEAL_MAC_LEN);
	seal_blind(seal, "abc", "d", text);
	assert_string_not_equal(base, text);
	seal_blind(seal, "ab", "ce", text);
	assert_string_not_equal(base, text);
	seal_blind(other, "ab", "cd", text);
	assert_string_not_equal(base, text);
	seal_blind(seal, "ab", "cd", text);
	assert_string_equal(base, text);
	seal_free(seal);
	seal_free(other);
}

/* Made with Python's cryptography and hmac from the secret OLD: what is stored must stay readable. */
static void the_format_stays(void **state)
{
	struct seal *seal = seal_new(only_old, NULL, &err);
	char blind[2 * SEAL_MAC_LEN + 1];

	(void)state;
	seal_blind(seal, "label", "text", blind);
	assert_string_equal(blind,
			    "b26b9eee2a7c23f395d889ef42c22a0921277f10924a62ef49cab75fc417ffe4");
	assert_string_equal(seal_open(seal, &arena, "label",
				      "1.old.AAECAwQFBgcICQoLyusO5u11uQNFPvYGXNAEwHggVPLJSA"),
			    "secret");
	seal_free(seal);
}

static void bad_secrets_are_refused_without_being_told(void **state)
{
	static const char *const bad[][3] = {
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
		{ ":AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
		{ "a.b:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
		{ "12345678901234567:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
		{ "a:" },
		{ "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==" },
		{ "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gAAAA" },
		{ "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" },
		{ OLD, OLD },
		{ OLD, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = '\0';
		if (seal_new(bad[i], NULL, &err) || !strstr(err.text, "secrets"))
			fail_msg("%zu: %s", i, err.text);
		if (strstr(err.text, "AAECAwQF"))
			fail_msg("%zu tells: %s", i, err.text);
	}
}

static void a_master_is_made_once(void **state)
{
	static const char *const none[] = { NULL };
	struct seal *first = seal_new(none, dir, &err), *second = seal_new(NULL, dir, &err);
	char path[SCRATCH_MAX + 32];
	struct stat st;

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_string_equal(seal_open(second, &arena, "l", seal_text(first, &arena, "l", "secret")),
			    "secret");
	(void)snprintf(path, sizeof(path), "%s/keys/master", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	seal_free(first);
	seal_free(second);
}

#define N_STARTERS 8

/* Each child writes the blind of one text: equal when all have read the same master. */
static void starters_at_once_agree(void **state)
{
	char blinds[N_STARTERS][2 * SEAL_MAC_LEN + 1] = { 0 };
	int fds[2], status;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < N_STARTERS; i++) {
		if (fork() == 0) {
			struct seal *seal = seal_new(NULL, dir, &err);
			bool ok = seal != NULL;

			if (ok)
				seal_blind(seal, "l", "t", blinds[0]);
			seal_free(seal);
			ok = ok && write(fds[1], blinds[0], sizeof(blinds[0])) > 0;
			_exit(ok ? 0 : 1);
		}
	}
	for (int i = 0; i < N_STARTERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(fds[0], blinds[i], sizeof(blinds[i])), sizeof(blinds[i]));
		assert_string_equal(blinds[i], blinds[0]);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void write_master(const char *text, size_t len, mode_t mode)
{
	char path[SCRATCH_MAX + 32];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/keys/master", dir);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void a_bad_master_file_is_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} files[] = {
		{ OLD "\n", 0644, "0600" },         { OLD "\n", 0640, "0600" },
		{ OLD "\n", 0604, "0600" },         { "", 0600, "32 bytes" },
		{ "old:AAEC\n", 0600, "32 bytes" }, { OLD OLD, 0600, "32 bytes" },
		{ OLD "\n\n", 0600, "32 bytes" },
	};
	struct seal *seal;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_master(files[i].text, strlen(files[i].text), files[i].mode);
		err.text[0] = '\0';
		if (seal_new(NULL, dir, &err) || !strstr(err.text, files[i].why))
			fail_msg("%zu: %s", i, err.text);
	}
	write_master(OLD "\n", strlen(OLD) + 1, 0600);
	seal = seal_new(NULL, dir, &err);
	assert_non_null(seal);
	seal_free(seal);
}

static void an_open_key_directory_is_refused(void **state)
{
	char path[SCRATCH_MAX + 32];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0755), 0);
	assert_null(seal_new(NULL, dir, &err));
	assert_non_null(strstr(err.text, "0700"));
	assert_null(seal_new(NULL, "/nonexistent/state", &err));
	assert_non_null(strstr(err.text, "/nonexistent/state/keys"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_texts_open),
		cmocka_unit_test(any_change_is_noticed),
		cmocka_unit_test(foreign_forms_are_refused),
		cmocka_unit_test(adding_a_key_changes_nothing_that_was),
		cmocka_unit_test(blinds_depend_on_key_label_and_text),
		cmocka_unit_test(the_format_stays),
		cmocka_unit_test(bad_secrets_are_refused_without_being_told),
		cmocka_unit_test_setup_teardown(a_master_is_made_once, make_scratch,
						remove_scratch),
		cmocka_unit_test_setup_teardown(starters_at_once_agree, make_scratch,
						remove_scratch),
		cmocka_unit_test_setup_teardown(a_bad_master_file_is_refused, make_scratch,
						remove_scratch),
		cmocka_unit_test_setup_teardown(an_open_key_directory_is_refused, make_scratch,
						remove_scratch),
	};
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_fini(&arena);
	return n_failed;
}
