/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and networks: the allow-list stands and falls with them. */
#include <stdbool.h>
#include <string.h>

#include "proto/text.h"
#include "suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct address
address(const char *text)
{
	struct address out;

	ck_assert_msg(address_parse(text, &out), "%s", text);
	return out;
}

static struct cidr
cidr(const char *text)
{
	struct cidr out;

	ck_assert_msg(cidr_parse(text, &out), "%s", text);
	return out;
}

static bool
contains(const char *network, const char *host)
{
	struct cidr net = cidr(network);
	struct address at = address(host);

	return cidr_contains(&net, &at);
}

START_TEST(addresses)
{
	/* Second: as it is written back (RFC 5952). */
	static const char *const good[][2] = {
	    {"0.0.0.0", "0.0.0.0"},
	    {"203.0.113.7", "203.0.113.7"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"::ffff:203.0.113.7", "203.0.113.7"},
	    {"::FFFF:cb00:7107", "203.0.113.7"},
	    {"0:0:0:0:0:ffff:cb00:7107", "203.0.113.7"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
	    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	    {"fe80::1%eth0", "fe80::1"},
	    {"fe80::1%1", "fe80::1"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	static const char *const bad[] = {"", " ", "1", "1.2.3", "1.2.3.4.5",
	    "256.0.0.1", "1.2.3.04", "01.2.3.4", "0x1.2.3.4", "1.2.3.4 ",
	    " 1.2.3.4", "1.2.3.4\n", "1.2.3.4:80", "1.2.3.4%eth0", "1.2.3.4/32",
	    ":", ":::", "1::2::3", "12345::", "::g", "[::1]", "::1%", "%eth0",
	    "%", "localhost", "::ffff:1.2.3", "1:2:3:4:5:6:7",
	    "1:2:3:4:5:6:7:8:9",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		struct address at = address(good[i][0]);

		address_text(&at, text);
		ck_assert_str_eq(text, good[i][1]);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct address at, before;

		memset(&at, 0x5a, sizeof at);
		before = at;
		ck_assert_msg(!address_parse(bad[i], &at), "%s", bad[i]);
		ck_assert_mem_eq(&at, &before, sizeof at);
	}
}
END_TEST

START_TEST(address_bytes)
{
	static const uint8_t four[] = {203, 0, 113, 7};
	static const uint8_t zeros[32];
	struct address at, wanted = address("203.0.113.7");

	ck_assert(address_from_bytes(four, 4, &at));
	ck_assert_mem_eq(&at, &wanted, sizeof at);
	ck_assert(address_from_bytes(wanted.bytes, 16, &at));
	ck_assert_mem_eq(&at, &wanted, sizeof at);
	for (size_t len = 0; len < sizeof zeros; len++)
		ck_assert_int_eq(
		    address_from_bytes(zeros, len, &at), len == 4 || len == 16);
}
END_TEST

START_TEST(networks)
{
	static const char *const good[][2] = {
	    {"203.0.113.7", "203.0.113.7/32"},
	    {"203.0.113.7/32", "203.0.113.7/32"},
	    {"203.0.113.0/24", "203.0.113.0/24"},
	    {"203.0.113.128/25", "203.0.113.128/25"},
	    {"128.0.0.0/1", "128.0.0.0/1"},
	    {"0.0.0.0/0", "0.0.0.0/0"},
	    {"::ffff:203.0.113.0/120", "203.0.113.0/24"},
	    {"::ffff:0:0/96", "0.0.0.0/0"},
	    {"::", "::/128"},
	    {"::/0", "::/0"},
	    {"8000::/1", "8000::/1"},
	    {"2001:db8::/32", "2001:db8::/32"},
	    {"2001:db8::1/128", "2001:db8::1/128"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
	};
	static const char *const bad[] = {"", "/", "/0", "1.2.3.4/",
	    "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/ 8",
	    "1.2.3.4/8 ", "1.2.3.4/8/8", "1.2.3.4/x", "1.2.3.4/0x8",
	    "1.2.3.4/4294967296", "1.2.3.4/18446744073709551648",
	    "1.2.3.0/255.255.255.0", "::/129", "fe80::%eth0/64",
	    "fe80::/64%eth0", "acme",
	    /* bits beyond the length: most likely a typing error */
	    "203.0.113.7/24", "203.0.113.7/31", "1.0.0.0/0", "::1/127", "::1/0",
	    "2001:db8:8000::/32", "::ffff:0:0/95", "::ffff:1.2.3.4/32"};
	char text[CIDR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		struct cidr net = cidr(good[i][0]), again;

		cidr_text(&net, text);
		ck_assert_str_eq(text, good[i][1]);
		again = cidr(text);
		ck_assert_mem_eq(
		    &again.address, &net.address, sizeof net.address);
		ck_assert_uint_eq(again.prefix_len, net.prefix_len);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct cidr net, before;

		memset(&net, 0x5a, sizeof net);
		before = net;
		ck_assert_msg(!cidr_parse(bad[i], &net), "%s", bad[i]);
		ck_assert_mem_eq(&net, &before, sizeof net);
	}
}
END_TEST

START_TEST(containment)
{
	ck_assert(contains("203.0.113.0/24", "203.0.113.0"));
	ck_assert(contains("203.0.113.0/24", "203.0.113.255"));
	ck_assert(!contains("203.0.113.0/24", "203.0.114.0"));
	ck_assert(!contains("203.0.113.0/24", "203.0.112.255"));
	ck_assert(contains("203.0.113.7", "::ffff:203.0.113.7"));
	ck_assert(!contains("203.0.113.7", "203.0.113.6"));
	/* The compatible form (::a.b.c.d) is not IPv4. */
	ck_assert(!contains("203.0.113.7", "::203.0.113.7"));
	ck_assert(contains("2001:db8::/32", "2001:db8:ffff::1"));
	ck_assert(!contains("2001:db8::/32", "2001:db9::"));
	ck_assert(contains("fe80::/10", "fe80::1%eth0"));
}
END_TEST

START_TEST(everything)
{
	static const char *const v4[] = {"0.0.0.0", "127.0.0.1", "10.0.0.1",
	    "203.0.113.7", "255.255.255.255", "::ffff:1.2.3.4"};
	static const char *const v6[] = {"::", "::1", "::1.2.3.4",
	    "2001:db8::1", "::fffe:1.2.3.4", "::1:ffff:1.2.3.4",
	    "64:ff9b::1.2.3.4", "ffff::"};

	for (size_t i = 0; i < COUNT(v4); i++) {
		ck_assert_msg(contains("0.0.0.0/0", v4[i]), "%s", v4[i]);
		ck_assert_msg(contains("::/0", v4[i]), "%s", v4[i]);
	}
	for (size_t i = 0; i < COUNT(v6); i++) {
		ck_assert_msg(!contains("0.0.0.0/0", v6[i]), "%s", v6[i]);
		ck_assert_msg(contains("::/0", v6[i]), "%s", v6[i]);
	}
}
END_TEST

/* Every length against the definition: the first so many bits are equal. */
START_TEST(every_length)
{
	uint64_t seed = 0xADD7;

	for (unsigned len = 0; len <= 128; len++)
		for (int round = 0; round < 20; round++) {
			struct address at;
			struct cidr net;
			char text[CIDR_TEXT_MAX];
			struct cidr back;

			suite_fill(&seed, &at, sizeof at);
			net.address = at;
			net.prefix_len = (uint8_t)len;
			for (unsigned bit = len; bit < 128; bit++)
				net.address.bytes[bit / 8] &=
				    (uint8_t) ~(0x80 >> bit % 8);
			ck_assert(cidr_contains(&net, &at));
			for (unsigned bit = 0; bit < 128; bit++) {
				struct address other = at;

				other.bytes[bit / 8] ^=
				    (uint8_t)(0x80 >> bit % 8);
				ck_assert_int_eq(
				    cidr_contains(&net, &other), bit >= len);
			}
			cidr_text(&net, text);
			back = cidr(text);
			ck_assert_uint_eq(back.prefix_len, len);
			ck_assert_mem_eq(
			    &back.address, &net.address, sizeof net.address);
		}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("address");

	suite_add(suite, "addresses", addresses);
	suite_add(suite, "bytes", address_bytes);
	suite_add(suite, "networks", networks);
	suite_add(suite, "containment", containment);
	suite_add(suite, "everything", everything);
	suite_add(suite, "every length", every_length);
	return suite_run(suite);
}
