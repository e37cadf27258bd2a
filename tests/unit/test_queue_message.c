/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fw/queue_message.h"
#include "random.h"
#include "unit.h"

#define MESSAGE_MAX 512

union message {
	struct nlmsghdr nlh;
	char bytes[MESSAGE_MAX];
};

static const uint8_t udp4[] = {0x45, 0, 0,   28, 0, 1, 0,    0,	   64, 17, 0, 0, 192, 0,
			       2,    1, 192, 0,	 2, 2, 0x0f, 0xa0, 0,  80, 0, 8, 0,   0};

static void start(union message *m, uint32_t id, uint16_t hw_protocol)
{
	struct nfqnl_msg_packet_hdr header = {
		.packet_id = htonl(id), .hw_protocol = htons(hw_protocol), .hook = 3};
	struct nfgenmsg *nfg;

	memset(m, 0, sizeof(*m));
	mnl_nlmsg_put_header(m->bytes);
	m->nlh.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET;
	nfg = mnl_nlmsg_put_extra_header(&m->nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	if (id)
		mnl_attr_put(&m->nlh, NFQA_PACKET_HDR, sizeof(header), &header);
}

static void put_u32(union message *m, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(&m->nlh, type, htonl(value));
}

static void everything_is_read(void)
{
	struct queue_packet p;
	union message m;

	start(&m, 0x01020304, ETH_P_IP);
	put_u32(&m, NFQA_IFINDEX_INDEV, 7);
	put_u32(&m, NFQA_IFINDEX_OUTDEV, 8);
	put_u32(&m, NFQA_MARK, 9);
	put_u32(&m, NFQA_UID, 1000);
	put_u32(&m, NFQA_GID, 1001);
	put_u32(&m, NFQA_CAP_LEN, 1500);
	mnl_attr_put(&m.nlh, NFQA_PAYLOAD, sizeof(udp4), udp4);
	CU_ASSERT_EQUAL_FATAL(queue_message_read(&m.nlh, &p), 0);
	CU_ASSERT_EQUAL(p.id, 0x01020304);
	CU_ASSERT_EQUAL(p.hook, 3);
	CU_ASSERT_EQUAL(p.in_ifindex, 7);
	CU_ASSERT_EQUAL(p.out_ifindex, 8);
	CU_ASSERT_EQUAL(p.mark, 9);
	CU_ASSERT_TRUE(p.has_uid);
	CU_ASSERT_EQUAL(p.uid, 1000);
	CU_ASSERT_EQUAL(p.gid, 1001);
	CU_ASSERT_EQUAL(p.packet.length, 1500);
	CU_ASSERT_EQUAL(p.packet.dport, 80);
	CU_ASSERT_EQUAL_FATAL(p.head_len, sizeof(udp4));
	CU_ASSERT_EQUAL(memcmp(p.head, udp4, sizeof(udp4)), 0);
}

static void what_is_missing_is_zero(void)
{
	struct queue_packet p;
	union message m;

	start(&m, 1, ETH_P_IP);
	memset(&p, 0xff, sizeof(p));
	CU_ASSERT_EQUAL_FATAL(queue_message_read(&m.nlh, &p), 0);
	CU_ASSERT_EQUAL(p.in_ifindex + p.out_ifindex + p.mark + p.uid + p.gid, 0);
	CU_ASSERT_FALSE(p.has_uid);
	CU_ASSERT_EQUAL(p.packet.family, 0);
	CU_ASSERT_EQUAL(p.packet.length, 0);
}

static void sizes_that_are_wrong_are_not_read(void)
{
	struct queue_packet p;
	union message m;

	start(&m, 1, ETH_P_IP);
	mnl_attr_put_u16(&m.nlh, NFQA_MARK, 0xffff);
	mnl_attr_put_u64(&m.nlh, NFQA_UID, UINT64_MAX);
	mnl_attr_put(&m.nlh, NFQA_IFINDEX_INDEV, 0, NULL);
	CU_ASSERT_EQUAL_FATAL(queue_message_read(&m.nlh, &p), 0);
	CU_ASSERT_EQUAL(p.mark + p.uid + p.in_ifindex, 0);
	CU_ASSERT_FALSE(p.has_uid);
}

static void what_has_no_id_is_refused(void)
{
	struct queue_packet p = {.id = 7};
	union message m;

	start(&m, 0, 0);
	CU_ASSERT_EQUAL(queue_message_read(&m.nlh, &p), -EBADMSG);
	mnl_attr_put_u32(&m.nlh, NFQA_PACKET_HDR, 1); /* 4 bytes of 7 */
	CU_ASSERT_EQUAL(queue_message_read(&m.nlh, &p), -EBADMSG);
	start(&m, 1, ETH_P_IP);
	m.nlh.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG;
	CU_ASSERT_EQUAL(queue_message_read(&m.nlh, &p), -EBADMSG);
	start(&m, 1, ETH_P_IP);
	m.nlh.nlmsg_len = sizeof(struct nlmsghdr);
	CU_ASSERT_EQUAL(queue_message_read(&m.nlh, &p), -EBADMSG);
	CU_ASSERT_EQUAL(p.id, 7);
}

/* A raw socket can write any version into the packet that it sends. */
static void version_is_the_kernels(void)
{
	static const struct {
		uint16_t hw_protocol;
		uint8_t version, family;
		bool malformed;
	} cases[] = {
		{ETH_P_IP, 0x45, 4, false}, {ETH_P_IP, 0x60, 0, true}, {ETH_P_IPV6, 0x45, 0, true},
		{0, 0x45, 4, false},	    {ETH_P_IP, 0x75, 0, true},
	};
	uint8_t bytes[60] = {0};

	memcpy(bytes, udp4, sizeof(udp4));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct queue_packet p;
		union message m;

		start(&m, 1, cases[i].hw_protocol);
		bytes[0] = cases[i].version;
		mnl_attr_put(&m.nlh, NFQA_PAYLOAD, sizeof(bytes), bytes);
		CU_ASSERT_EQUAL_FATAL(queue_message_read(&m.nlh, &p), 0);
		expect(p.packet.family == cases[i].family, "case %zu: family", i);
		expect(p.packet.malformed == cases[i].malformed, "case %zu: malformed", i);
		expect_int("length", p.packet.length, sizeof(bytes));
	}
}

/* From memory of exactly nlmsg_len bytes, so that a sanitizer sees a read past them. */
static void noise_is_survived(void)
{
	struct rng rng = rng_new();

	for (int i = 0; i < 20000; i++) {
		struct nlmsghdr *exact;
		struct queue_packet p;
		union message m;
		size_t len;

		start(&m, 1, ETH_P_IP);
		put_u32(&m, NFQA_UID, 1000);
		mnl_attr_put(&m.nlh, NFQA_PAYLOAD, sizeof(udp4), udp4);
		len = m.nlh.nlmsg_len;
		for (uint64_t k = rng_below(&rng, 6); k; k--)
			m.bytes[16 + rng_below(&rng, len - 16)] = (char)rng_below(&rng, 40);
		len = 16 + rng_below(&rng, len - 15);
		m.nlh.nlmsg_len = (uint32_t)len;
		exact = malloc(len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, &m, len);
		if (!queue_message_read(exact, &p))
			CU_ASSERT(p.packet.length <= UINT32_MAX);
		free(exact);
	}
}

static const struct nlattr *attribute(const struct nlmsghdr *nlh, uint16_t type, int *times)
{
	const struct nlattr *attr, *found = NULL;

	*times = 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == type) {
			found = attr;
			++*times;
		}
	return found;
}

static void who_opened_the_socket_is_asked_for_or_not(void)
{
	for (int ask = 0; ask < 2; ask++) {
		char buf[QUEUE_MESSAGE_CONFIG_MAX] __attribute__((aligned(8)));
		struct nlmsghdr *nlh = queue_message_ask_uid(buf, 513, ask);
		const struct nlattr *attr;
		int times;

		CU_ASSERT_FATAL(nlh->nlmsg_len <= sizeof(buf));
		CU_ASSERT_EQUAL(nlh->nlmsg_flags, NLM_F_REQUEST);
		CU_ASSERT_EQUAL(ntohs(((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->res_id),
				513);
		attr = attribute(nlh, NFQA_CFG_MASK, &times);
		CU_ASSERT_FATAL(attr && times == 1);
		CU_ASSERT_EQUAL(ntohl(mnl_attr_get_u32(attr)), NFQA_CFG_F_UID_GID);
		attr = attribute(nlh, NFQA_CFG_FLAGS, &times);
		CU_ASSERT_FATAL(attr && times == 1);
		CU_ASSERT_EQUAL(ntohl(mnl_attr_get_u32(attr)), ask ? NFQA_CFG_F_UID_GID : 0);
	}
}

static void flags_are_one_attribute(void)
{
	static const struct queue_options options = {
		.number = 513, .copy_bytes = 70000, .max_length = 4096, .batch_count = 1};
	char buf[QUEUE_MESSAGE_CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = queue_message_bind(buf, &options);
	struct nfqnl_msg_config_params params;
	const struct nlattr *attr;
	uint32_t mask;
	int times;

	CU_ASSERT_FATAL(nlh->nlmsg_len <= sizeof(buf));
	CU_ASSERT_EQUAL(nlh->nlmsg_flags, NLM_F_REQUEST);
	CU_ASSERT_EQUAL(ntohs(((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->res_id), 513);
	attr = attribute(nlh, NFQA_CFG_MASK, &times);
	CU_ASSERT_FATAL(attr && times == 1);
	mask = ntohl(mnl_attr_get_u32(attr));
	attr = attribute(nlh, NFQA_CFG_FLAGS, &times);
	CU_ASSERT_FATAL(attr && times == 1);
	CU_ASSERT_EQUAL(ntohl(mnl_attr_get_u32(attr)), NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID);
	CU_ASSERT(mask & NFQA_CFG_F_FAIL_OPEN && mask & NFQA_CFG_F_GSO);
	attr = attribute(nlh, NFQA_CFG_PARAMS, &times);
	CU_ASSERT_FATAL(attr && times == 1);
	memcpy(&params, mnl_attr_get_payload(attr), sizeof(params));
	CU_ASSERT_EQUAL(params.copy_mode, NFQNL_COPY_PACKET);
	CU_ASSERT_EQUAL(ntohl(params.copy_range), QUEUE_MESSAGE_COPY_MAX);
	attr = attribute(nlh, NFQA_CFG_QUEUE_MAXLEN, &times);
	CU_ASSERT_FATAL(attr && times == 1);
	CU_ASSERT_EQUAL(ntohl(mnl_attr_get_u32(attr)), 4096);
}

static void verdicts_are_written(void)
{
	static const struct verdict_message cases[] = {
		{.batch = false, .id = 1, .n = 1, .ruling = {VERDICT_ACCEPT, 0}},
		{.batch = true, .id = 0xfffffff0, .n = 9, .ruling = {VERDICT_DROP, 0}},
		{.batch = true, .id = 7, .n = 2, .ruling = {VERDICT_REJECT, 0}},
		{.batch = true, .id = 8, .n = 2, .ruling = {VERDICT_MARK, 0x01020304}},
		{.batch = false, .id = 10, .n = 1, .ruling = {VERDICT_KILL, 0}},
		{.batch = false, .id = 9, .n = 1, .ruling = {VERDICT_MARK, 0}},
	};
	static const uint32_t nf[] = {[VERDICT_ACCEPT] = NF_ACCEPT,
				      [VERDICT_DROP] = NF_DROP,
				      [VERDICT_REJECT] = NF_DROP,
				      [VERDICT_MARK] = NF_ACCEPT,
				      [VERDICT_KILL] = NF_DROP};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[QUEUE_MESSAGE_VERDICT_MAX] __attribute__((aligned(8)));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		struct nfqnl_msg_verdict_hdr header;
		const struct nlattr *attr;
		int times;

		CU_ASSERT_EQUAL(queue_message_verdict(buf, 2, &cases[i]), nlh->nlmsg_len);
		CU_ASSERT_FATAL(nlh->nlmsg_len <= sizeof(buf));
		CU_ASSERT_EQUAL(nlh->nlmsg_flags, NLM_F_REQUEST);
		CU_ASSERT_EQUAL(nlh->nlmsg_type & 0xff,
				cases[i].batch ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT);
		attr = attribute(nlh, NFQA_VERDICT_HDR, &times);
		CU_ASSERT_FATAL(attr && times == 1);
		memcpy(&header, mnl_attr_get_payload(attr), sizeof(header));
		CU_ASSERT_EQUAL(ntohl(header.id), cases[i].id);
		CU_ASSERT_EQUAL(ntohl(header.verdict), nf[cases[i].ruling.verdict]);
		attr = attribute(nlh, NFQA_MARK, &times);
		expect_int("marks", times, cases[i].ruling.verdict == VERDICT_MARK);
		if (attr)
			expect_int("mark", ntohl(mnl_attr_get_u32(attr)), cases[i].ruling.mark);
	}
}

static const struct unit_test tests[] = {
	{"everything is read", everything_is_read},
	{"what is missing is zero", what_is_missing_is_zero},
	{"sizes that are wrong are not read", sizes_that_are_wrong_are_not_read},
	{"what has no id is refused", what_has_no_id_is_refused},
	{"version is the kernel's", version_is_the_kernels},
	{"noise is survived", noise_is_survived},
	{"flags are one attribute", flags_are_one_attribute},
	{"who opened the socket is asked for, or not", who_opened_the_socket_is_asked_for_or_not},
	{"verdicts are written", verdicts_are_written},
};
UNIT_SUITE("fw/queue_message", tests)
