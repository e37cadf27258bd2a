/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the saved text (fw/store_text.h): for those who write and read it. */
#ifndef FW_STORE_WORDS_H
#define FW_STORE_WORDS_H

#define STORE_FIRST_LINE	 "app-fw rules 2"
#define STORE_FIRST_LINE_OLD	 "app-fw rules 1" /* has no policies */
#define STORE_FIRST_LINE_PATCHES "app-fw rules 3"
#define STORE_PATCH_WORD	 "patch"
#define STORE_NEXT_PATCH_WORD	 "next-patch"
#define STORE_LAST_WORD		 "end"
#define STORE_POLICY_WORD	 "policy"
#define STORE_SET_WORD		 "set\t"
#define STORE_NONE		 "-"

#endif
