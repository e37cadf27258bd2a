/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows of the table in main.c run; each is in a file of its name. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "cmdline.h"

enum status {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1, /* by the daemon; or what was to be printed could not be */
	STATUS_USAGE = 2,   /* the command line is wrong, or what it names cannot be read */
	STATUS_NO_DAEMON = 3,
};

int append_main(const struct cmdline *line);
int insert_main(const struct cmdline *line);
int delete_main(const struct cmdline *line);
int list_main(const struct cmdline *line);
int print_hash_main(const struct cmdline *line);
int status_main(const struct cmdline *line);
int stats_main(const struct cmdline *line);
int objects_main(const struct cmdline *line);
int explain_main(const struct cmdline *line);
int policy_main(const struct cmdline *line);
int set_main(const struct cmdline *line);
int save_main(const struct cmdline *line);
int restore_main(const struct cmdline *line);
int mode_main(const struct cmdline *line);
int events_main(const struct cmdline *line);
int top_main(const struct cmdline *line);
int learn_main(const struct cmdline *line);
int hook_main(const struct cmdline *line);
int doctor_main(const struct cmdline *line);
int patch_main(const struct cmdline *line);
int sig_main(const struct cmdline *line);

#endif
