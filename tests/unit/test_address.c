/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
/* After the standard headers it builds on. */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address parsed(const char *text)
{
	struct address address;

	if (!address_parse(&address, slice_of(text)))
		fail_msg("%s: not parsed", text);
	return address;
}

static void expect_text(size_t i, const struct address *address, const char *want)
{
	char got[ADDRESS_TEXT_MAX];

	address_text(address, got);
	if (strcmp(got, want) != 0)
		fail_msg("case %zu: got %s, want %s", i, got, want);
}

static void test_spellings(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::ffff:127.0.0.1", "127.0.0.1" },
		{ "::FFFF:7f00:1", "127.0.0.1" },
		{ "0:0:0:0:0:ffff:127.0.0.1", "127.0.0.1" },
		{ "::1", "::1" },
		{ "0:0:0:0:0:0:0:1", "::1" },
		{ "0000:0000:0000:0000:0000:0000:0000:0001", "::1" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "2001:0db8:0:0:0:0:0:000a", "2001:db8::a" },
		{ "2001:db8:0000::0.0.0.10", "2001:db8::a" },
		{ "::", "::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address = parsed(cases[i].text);

		expect_text(i, &address, cases[i].canonical);
	}
}

static void test_malformed(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"a",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"0x7f.0.0.1",
		"1.2.3.4:80",
		"[::1]",
		"[::1]:80",
		"fe80::1%eth0",
		"1.2.3.4/8",
		" 1.2.3.4",
		"1.2.3.4 ",
		":::",
		"1::2::3",
		"12345::",
		"g::",
		"unknown",
		"_hidden",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:00001",
	};
	struct address address;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (address_parse(&address, slice_of(cases[i])))
			fail_msg("case %zu: %s was taken", i, cases[i]);
	assert_false(address_parse(&address, SLICE("1.2.3.4\0")));
}

static void test_socket(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "x" };
	struct address address;

	(void)state;
	address_from_socket(&address, (struct sockaddr *)&v4);
	expect_text(0, &address, "10.0.0.1");
	address_from_socket(&address, (struct sockaddr *)&v6);
	expect_text(1, &address, "::1");
	address_from_socket(&address, (struct sockaddr *)&path);
	expect_text(2, &address, "::");
}

static void test_group(void **state)
{
	static const struct {
		const char *text, *group;
	} cases[] = {
		{ "10.1.2.3", "10.1.2.3" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::" },
		{ "2001:db8:1:3::1", "2001:db8:1:3::" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address address = parsed(cases[i].text), group;

		address_group(&address, &group);
		expect_text(i, &group, cases[i].group);
	}
}

static void test_loopback(void **state)
{
	static const char *const yes[] = { "127.0.0.1", "127.255.0.1", "::ffff:127.0.0.1", "::1" };
	static const char *const no[] = { "126.0.0.1", "128.0.0.1", "::", "::2", "::127.0.0.1" };

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		struct address address = parsed(yes[i]);

		if (!address_is_loopback(&address))
			fail_msg("%s is loopback", yes[i]);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		struct address address = parsed(no[i]);

		if (address_is_loopback(&address))
			fail_msg("%s is not loopback", no[i]);
	}
}

static void test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "10.0.0.0/8", "a00::1", false },
		{ "10.1.1.1", "10.1.1.1", true },
		{ "10.1.1.1", "10.1.1.0", false },
		{ "10.1.1.0/31", "10.1.1.1", true },
		{ "10.1.1.0/31", "10.1.1.2", false },
		{ "192.168.128.0/17", "192.168.128.1", true },
		{ "192.168.128.0/17", "192.168.127.1", false },
		{ "0.0.0.0/0", "255.1.1.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "255.1.1.1", true },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const texts[] = { "203.0.113.7", cases[i].network, NULL };
		struct address address = parsed(cases[i].address);
		struct network_list list;
		struct err err;

		if (!network_list_init(&list, texts, &err))
			fail_msg("case %zu: %s", i, err.text);
		if (network_list_has(&list, &address) != cases[i].has)
			fail_msg("case %zu: %s in %s", i, cases[i].address, cases[i].network);
		network_list_fini(&list);
	}
}

static void test_bad_networks(void **state)
{
	static const char *const cases[] = {
		"",
		"x",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/",
		"10.0.0.0/8a",
		"10.0.0.0/+8",
		"10.0.0.1/8",
		"::/129",
		"::1/64",
		"/8",
		"10.0.0/8",
		"10.0.0.0/8/8",
		"10.0.0.0 /8",
		"::/0000000000",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const texts[] = { "10.0.0.0/8", cases[i], NULL };
		struct network_list list;
		struct err err;

		if (network_list_init(&list, texts, &err))
			fail_msg("case %zu: %s was taken", i, cases[i]);
		if (strncmp(err.text, cases[i], strlen(cases[i])) != 0)
			fail_msg("case %zu: the message does not name it: %s", i, err.text);
		assert_null(list.items);
	}
}

static void test_empty_list(void **state)
{
	struct address address = parsed("127.0.0.1");
	struct network_list list;
	struct err err;

	(void)state;
	assert_true(network_list_init(&list, NULL, &err));
	assert_false(network_list_has(&list, &address));
	network_list_fini(&list);
	network_list_fini(&list);
}

static const char *const proxies[] = { "10.0.0.0/8", "::1", NULL };

static void expect_client(size_t i, const char *peer_text, struct slice forwarded, const char *want)
{
	struct address peer = parsed(peer_text), client;
	struct network_list trusted;
	struct err err;

	assert_true(network_list_init(&trusted, proxies, &err));
	address_of_client(&client, &peer, forwarded, &trusted);
	network_list_fini(&trusted);
	expect_text(i, &client, want);
}

static void test_client(void **state)
{
	static const struct {
		const char *peer, *forwarded, *client;
	} cases[] = {
		{ "192.0.2.1", "", "192.0.2.1" },
		{ "192.0.2.1", "203.0.113.9", "192.0.2.1" }, /* a stranger says so */
		{ "192.0.2.1", "10.0.0.1", "192.0.2.1" },
		{ "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.1", "203.0.113.9", "203.0.113.9" },
		{ "::1", "203.0.113.9", "203.0.113.9" },
		{ "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9" },
		{ "10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9" }, /* a fake left-most entry */
		{ "10.0.0.1", "6.6.6.6 ,\t203.0.113.9 , 10.0.0.2", "203.0.113.9" },
		{ "10.0.0.1", "6.6.6.6,203.0.113.9,10.0.0.2,10.0.0.3", "203.0.113.9" },
		{ "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
		{ "10.0.0.1", "2001:db8:0:0::1", "2001:db8::1" },
		{ "10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9" },
		{ "10.0.0.1", "203.0.113.9:1234", "10.0.0.1" },
		{ "10.0.0.1", "[2001:db8::1]:80", "10.0.0.1" },
		{ "10.0.0.1", "unknown", "10.0.0.1" },
		{ "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1" },
		{ "10.0.0.1", "6.6.6.6, x, 10.0.0.2", "10.0.0.2" },
		{ "10.0.0.1", "203.0.113.9,", "10.0.0.1" },
		{ "10.0.0.1", ",203.0.113.9", "203.0.113.9" },
		{ "10.0.0.1", ",10.0.0.2", "10.0.0.2" },
		{ "10.0.0.1", ",", "10.0.0.1" },
		{ "10.0.0.1", " ", "10.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_client(i, cases[i].peer, slice_of(cases[i].forwarded), cases[i].client);
	expect_client(COUNT(cases), "10.0.0.1", (struct slice){ 0 }, "10.0.0.1");
}

static void test_many_hops(void **state)
{
	char text[8192] = "6.6.6.6,203.0.113.9";

	(void)state;
	for (int i = 0; i < 500; i++)
		strcat(text, ",10.0.0.2");
	expect_client(0, "10.0.0.1", slice_of(text), "203.0.113.9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),    cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_socket),       cmocka_unit_test(test_group),
		cmocka_unit_test(test_loopback),     cmocka_unit_test(test_networks),
		cmocka_unit_test(test_bad_networks), cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_client),       cmocka_unit_test(test_many_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
