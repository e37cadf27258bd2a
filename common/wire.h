/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol between ctl-fw and app-fw, on a Unix stream socket.
 *
 * One request, one reply, then the client may send the next request or close. Each is a fixed
 * header followed by `length` bytes of JSON text (UTF-8; RFC 8259). Integers in the header are
 * little-endian. A peer that breaks any rule of this page is closed; nobody else notices.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC	 0x57464341u /* "ACFW" */
#define WIRE_VERSION	 1
#define WIRE_REQUEST_MAX (256u << 10) /* bytes of JSON in a request */
#define WIRE_RESTORE_MAX (64u << 20)  /* the same of WIRE_RESTORE */
#define WIRE_REPLY_MAX	 (64u << 20)  /* bytes of JSON in a reply */

#define WIRE_SOCKET_DEFAULT "/run/app-fw/ctl.sock"
#define WIRE_SOCKET_ENV	    "APP_FW_SOCKET"

enum wire_command {
	WIRE_APPEND,  /* {"rule": TEXT}                              -> {"index": N} */
	WIRE_INSERT,  /* {"rule": TEXT, "index": N}                  -> {"index": N} */
	WIRE_DELETE,  /* {"chain": CHAIN, "index": N}                -> {"rule": TEXT} */
	WIRE_LIST,    /* {} or {"chain": CHAIN}                      -> {"chains": [...]} */
	WIRE_STATUS,  /* {}                                          -> see docs/ctl-fw.8 */
	WIRE_STATS,   /* {}                                          -> see docs/ctl-fw.8 */
	WIRE_OBJECTS, /* {"pid": N}                                  -> see docs/ctl-fw.8 */
	WIRE_EXPLAIN, /* {"pid": N, "packet": {...}}                 -> see docs/ctl-fw.8 */
	/* Named sets. FILES: {"sources": [{"package": TEXT, "root": TEXT, "files": [[PATH,
	 * HEX]]}]}, package and root as in fw/set.h. Replies: see docs/ctl-fw.8. */
	WIRE_SETS,	  /* {} or {"set": NAME} */
	WIRE_SET_ADD,	  /* {"set": NAME, FILES} */
	WIRE_SET_REMOVE,  /* {"set": NAME}                       -> {} */
	WIRE_SET_REFRESH, /* {"set": NAME, "grace_s": N, FILES} */
	WIRE_SET_EXPECT,  /* {"set": NAME, "grace_s": N, FILES} */
	WIRE_POLICY,	  /* {"chain": CHAIN, "policy": VERDICT}    -> {} */
	/* The configuration as text, in the form of fw/store.h. */
	WIRE_SAVE,    /* {}                                  -> {"text": TEXT} */
	WIRE_RESTORE, /* {"text": TEXT, CONFIRM}                      -> {"rules": N, "sets": N,
			 "expired": N} */
	/* CONFIRM: "confirm_within_s": N, or nothing; the reply repeats it. */
	WIRE_MODE,	/* {"mode": MODE, CONFIRM}             -> {"mode": MODE} */
	WIRE_CONFIRM,	/* {}                                  -> {"confirmed": "mode"|"rules"} */
	WIRE_EVENTS,	/* {} or {"after": SEQ}                -> see docs/ctl-fw.8 */
	WIRE_TOP,	/* {}                                  -> see docs/ctl-fw.8 */
	WIRE_LEARN,	/* {"learn": true|false, "resume": true|false} -> {"learning": ..., "mode":
			   MODE, "packets": N, "kinds": N} */
	WIRE_SUGGEST,	/* {"prefix4": N, "prefix6": N, "wide": N}, each may be missing -> see
			   docs/ctl-fw.8 */
	WIRE_PATCHES,	/* {}                         -> see docs/ctl-fw.8 */
	WIRE_PATCH_ADD, /* {"patch": TEXT}            -> {"id": N} */
	WIRE_PATCH_REMOVE, /* {"patch": ID, NAME or NOTE} -> {"id": N, "patch": TEXT} */
	WIRE_HOOK, /* {"chain": CHAIN} -> {"netns": N, "first": N, "last": N, "accept": PATH or
		      null,    "drop": the same, "no_cache": TEXT or null} */
	/* LIMIT: options that each rule gets besides its own (fw/sig_file.h). */
	WIRE_SIG_LOAD,	 /* {"name": TEXT, "text": TEXT, "limit": LIMIT, "skip_unsupported":
			    true|false}; no text: the name is of a built-in -> see docs/ctl-fw.8 */
	WIRE_SIG_LIST,	 /* {}                               -> see docs/ctl-fw.8 */
	WIRE_SIG_REMOVE, /* {"sid": N} or {"all": true}      -> {"removed": N} */
	WIRE_COMMAND_COUNT,
};

enum wire_status {
	WIRE_OK = 0,
	WIRE_REFUSED = 1, /* the payload is {"error": TEXT} */
};

struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t command;  /* enum wire_command; a reply repeats its request's */
	uint16_t status;   /* enum wire_status; 0 in a request */
	uint16_t reserved; /* 0 */
	uint32_t length;   /* bytes that follow */
};

#define WIRE_HEADER_LEN 16

/* The most bytes of JSON that a request of that command may have. */
uint32_t wire_request_max(enum wire_command command);

void wire_pack(const struct wire_header *h, uint8_t out[WIRE_HEADER_LEN]);

/*
 * Reads a header from exactly WIRE_HEADER_LEN bytes and checks it against max_length.
 * Returns 0; -EPROTO for a wrong magic or a reserved field that is not 0, -EPROTONOSUPPORT for
 * another version, -EOPNOTSUPP for an unknown command, -EMSGSIZE for a length past max_length.
 */
int wire_unpack(const uint8_t in[WIRE_HEADER_LEN], uint32_t max_length, struct wire_header *out);

#endif
