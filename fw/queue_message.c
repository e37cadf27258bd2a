// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/socket.h>

static const uint32_t nf_verdict[] = {
	[VERDICT_ACCEPT] = NF_ACCEPT, [VERDICT_DROP] = NF_DROP, [VERDICT_REJECT] = NF_DROP,
	[VERDICT_MARK] = NF_ACCEPT,   [VERDICT_KILL] = NF_DROP,
};
_Static_assert(sizeof(nf_verdict) / sizeof(nf_verdict[0]) == VERDICT_COUNT,
	       "every verdict has a netfilter verdict");

/* What the attributes of one message say. */
struct raw {
	const struct nlattr *header, *payload;
	uint32_t info, cap_len, in_ifindex, out_ifindex, mark, uid, gid;
	bool has_uid;
};

/*
 * Attributes, netlink(7). Nine of them are in each message, and libmnl has a function in another
 * object for each step: a hundred nanoseconds a packet, which is more than the note and its holders
 * take.
 */
static const void *value_of(const struct nlattr *attr)
{
	return (const char *)attr + NLA_HDRLEN;
}

static size_t value_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

static bool take_u32(const struct nlattr *attr, uint32_t *out)
{
	uint32_t value;

	if (value_len(attr) != sizeof(value))
		return false;
	memcpy(&value, value_of(attr), sizeof(value));
	*out = ntohl(value);
	return true;
}

static void take_attribute(const struct nlattr *attr, struct raw *raw)
{
	switch (attr->nla_type & NLA_TYPE_MASK) {
	case NFQA_PACKET_HDR:
		if (value_len(attr) >= sizeof(struct nfqnl_msg_packet_hdr))
			raw->header = attr;
		break;
	case NFQA_PAYLOAD:
		raw->payload = attr;
		break;
	case NFQA_CAP_LEN:
		take_u32(attr, &raw->cap_len);
		break;
	case NFQA_SKB_INFO:
		take_u32(attr, &raw->info);
		break;
	case NFQA_IFINDEX_INDEV:
		take_u32(attr, &raw->in_ifindex);
		break;
	case NFQA_IFINDEX_OUTDEV:
		take_u32(attr, &raw->out_ifindex);
		break;
	case NFQA_MARK:
		take_u32(attr, &raw->mark);
		break;
	case NFQA_UID:
		raw->has_uid = take_u32(attr, &raw->uid);
		break;
	case NFQA_GID:
		take_u32(attr, &raw->gid);
		break;
	}
}

/*
 * The kernel goes by the protocol under which it handles a packet, not by the version in its first
 * byte, which a raw socket can set at will: where they differ, nothing in the header can be
 * trusted.
 */
static bool version_lies(const struct packet *p, uint16_t hw_protocol)
{
	return (hw_protocol == ETH_P_IP && p->family == 6) ||
	       (hw_protocol == ETH_P_IPV6 && p->family == 4);
}

static void read_payload(const struct raw *raw, uint16_t hw_protocol, struct queue_packet *out)
{
	const void *data = raw->payload ? value_of(raw->payload) : NULL;
	size_t copied = raw->payload ? value_len(raw->payload) : 0;
	size_t length = raw->cap_len > copied ? raw->cap_len : copied;

	packet_parse(data, copied, length, &out->packet);
	out->head = data;
	out->head_len = (uint32_t)copied;
	if (!version_lies(&out->packet, hw_protocol))
		return;
	packet_parse(NULL, 0, length, &out->packet);
	out->packet.malformed = true;
}

/* The message ends where its length says: the last attribute's may not be rounded up. */
static void take_attributes(const struct nlmsghdr *nlh, struct raw *raw)
{
	size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *attr = (const void *)((const char *)nlh + at);

		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > nlh->nlmsg_len - at)
			return;
		take_attribute(attr, raw);
		at += NLA_ALIGN(attr->nla_len);
	}
}

static bool is_packet(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) &&
	       nlh->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET);
}

int queue_message_read(const struct nlmsghdr *nlh, struct queue_packet *out)
{
	struct nfqnl_msg_packet_hdr header;
	struct raw raw = {0};

	if (!is_packet(nlh))
		return -EBADMSG;
	take_attributes(nlh, &raw);
	if (!raw.header)
		return -EBADMSG;
	memcpy(&header, value_of(raw.header), sizeof(header));
	*out = (struct queue_packet){
		.id = ntohl(header.packet_id),
		.hook = header.hook,
		.in_ifindex = raw.in_ifindex,
		.out_ifindex = raw.out_ifindex,
		.mark = raw.mark,
		/* What was merged on arrival was looked at then. */
		.unverified = (raw.info & (NFQA_SKB_CSUM_NOTVERIFIED | NFQA_SKB_GSO |
					   NFQA_SKB_CSUMNOTREADY)) == NFQA_SKB_CSUM_NOTVERIFIED,
		.has_uid = raw.has_uid,
		.uid = raw.uid,
		.gid = raw.gid,
	};
	read_payload(&raw, ntohs(header.hw_protocol), out);
	return 0;
}

struct nlmsghdr *queue_message_command(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				       uint8_t command)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, command);
	return nlh;
}

struct nlmsghdr *queue_message_bind(char buf[QUEUE_MESSAGE_CONFIG_MAX],
				    const struct queue_options *o)
{
	struct nlmsghdr *nlh = queue_message_command(buf, o->number, NFQNL_CFG_CMD_BIND);
	uint32_t copy =
		o->copy_bytes < QUEUE_MESSAGE_COPY_MAX ? o->copy_bytes : QUEUE_MESSAGE_COPY_MAX;

	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, (int)copy);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, o->max_length);
	/* One attribute for all flags: a second one would replace the first. */
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_MAX - 1));
	return nlh;
}

struct nlmsghdr *queue_message_copy(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				    uint32_t bytes)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);

	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET,
				 bytes < QUEUE_MESSAGE_COPY_MAX ? (int)bytes
								: QUEUE_MESSAGE_COPY_MAX);
	return nlh;
}

struct nlmsghdr *queue_message_ask_uid(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				       bool ask)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);

	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(ask ? NFQA_CFG_F_UID_GID : 0));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_UID_GID));
	return nlh;
}

size_t queue_message_verdict(char buf[QUEUE_MESSAGE_VERDICT_MAX], uint16_t number,
			     const struct verdict_message *m)
{
	int type = m->batch ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT;
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, type, number);

	nfq_nlmsg_verdict_put(nlh, (int)m->id, (int)nf_verdict[m->ruling.verdict]);
	if (m->ruling.verdict == VERDICT_MARK)
		nfq_nlmsg_verdict_put_mark(nlh, m->ruling.mark);
	return nlh->nlmsg_len;
}
