/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For cppcheck, which reads no library's header: macros it could not make sense
 * of. See analyze.sh.
 */
#ifndef TESTS_CPPCHECK_H
#define TESTS_CPPCHECK_H

#define SLIST_HEAD(name, type)          \
	struct name {                   \
		struct type *slh_first; \
	}
#define SLIST_ENTRY(type)              \
	struct {                       \
		struct type *sle_next; \
	}
#define SLIST_FOREACH(item, head, field)             \
	for (item = (head)->slh_first; item != NULL; \
	     item = item->field.sle_next)
#define json_array_foreach(array, i, value)              \
	for (i = 0; i < json_array_size(array) &&        \
	     (value = json_array_get(array, i)) != NULL; \
	     i++)
#define json_object_foreach(object, name, value)                    \
	for (name = json_object_iter_key(json_object_iter(object)); \
	     (value = json_object_get(object, name)) != NULL;)

#endif
