/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netlink messages of NFQUEUE as bytes: reads packets, writes configuration and verdicts. No
 * I/O. Sources: linux/netfilter/nfnetlink_queue.h, net/netfilter/nfnetlink_queue.c.
 */
#ifndef FW_QUEUE_MESSAGE_H
#define FW_QUEUE_MESSAGE_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "queue.h"
#include "verdicts.h"

#define QUEUE_MESSAGE_OVERHEAD	  1024 /* most bytes of a packet message besides the packet's own */
#define QUEUE_MESSAGE_COPY_MAX	  65531 /* NFQNL_MAX_COPY_RANGE */
#define QUEUE_MESSAGE_VERDICT_MAX 40
#define QUEUE_MESSAGE_CONFIG_MAX  128

/*
 * Reads one NFQNL_MSG_PACKET, 4-byte aligned and no shorter than its nlmsg_len. An attribute that
 * is missing, cut short or of a wrong size leaves its field 0. The packet's family is 0 when it
 * came without bytes, or as another protocol than its first byte claims. Returns 0; -EBADMSG for
 * anything that is not a packet with an id (*out untouched).
 */
int queue_message_read(const struct nlmsghdr *nlh, struct queue_packet *out);

/* A command without options: NFQNL_CFG_CMD_*. Returns the message in buf, NLM_F_REQUEST set. */
struct nlmsghdr *queue_message_command(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				       uint8_t command);

/* Binds and configures a queue in one message, so that no packet sees it half configured. */
struct nlmsghdr *queue_message_bind(char buf[QUEUE_MESSAGE_CONFIG_MAX],
				    const struct queue_options *o);

/* How much of each packet is copied from now on. */
struct nlmsghdr *queue_message_copy(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				    uint32_t bytes);

/* Whether each packet from now on says who opened its socket. */
struct nlmsghdr *queue_message_ask_uid(char buf[QUEUE_MESSAGE_CONFIG_MAX], uint16_t number,
				       bool ask);

/* Returns how many bytes it has. */
size_t queue_message_verdict(char buf[QUEUE_MESSAGE_VERDICT_MAX], uint16_t number,
			     const struct verdict_message *m);

#endif
