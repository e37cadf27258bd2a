/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A path in a reply. */
#ifndef FW_PATH_TEXT_H
#define FW_PATH_TEXT_H

#include <jansson.h>

/* A path is bytes, JSON is UTF-8: if it is not, its bytes past ASCII become \\xNN. NULL: null. A
 * new reference. */
json_t *path_text(const char *path);

#endif
