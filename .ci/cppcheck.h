/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cppcheck takes for the macros of libraries whose headers it is not given: enough of their
 * meaning to follow the code around them. Never compiled.
 */
#define json_array_foreach(array, index, value) \
	for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value) \
	for (key = json_key(object); (value = json_at(object, key)); key = json_next(key))

#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}

#define HASH_ADD(hh, head, field, len, item) ((head) = (item))
#define HASH_DEL(head, item)		     ((head) = other_than(item))
#define HASH_FIND(hh, head, key, len, out)   ((out) = find(head, key, len))
#define HASH_COUNT(head)		     count(head)
#define HASH_ITER(hh, head, item, next)	     for (item = head; item; item = next = following(item))

#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define LIST_ENTRY(type)              \
	struct {                      \
		struct type *le_next; \
	}
#define LIST_EMPTY(head)	     ((head)->lh_first == 0)
#define LIST_FIRST(head)	     ((head)->lh_first)
#define LIST_INIT(head)		     ((head)->lh_first = 0)
#define LIST_INSERT_HEAD(head, e, f) ((head)->lh_first = (e))
#define LIST_REMOVE(e, f)	     unlink_from_list(e)
