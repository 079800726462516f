/* SPDX-License-Identifier: BSD-2-Clause */
/* Imports as records. */
#include "record_impl.h"

enum { SEQUENCE_BYTES = 8 };

void
record_from_import(struct record *record, const struct import_record *import)
{
	uint8_t rest[SEQUENCE_BYTES];
	struct writer w = writer_over(rest, sizeof rest);

	write_u64(&w, import->first);
	w = record_begin(
	    record, record_name(RECORD_IMPORT, rest, w.len), RECORD_LIVE);
	write_u64(&w, import->last);
	write_u64(&w, import->keys);
	write_u32(&w, import->uid);
	write_time(&w, import->at);
}

bool
record_to_import(struct record_view *view, struct import_record *import)
{
	struct reader name = reader_over(view->name.data, view->name.len);
	struct reader *r = &view->body;

	import->first = read_u64(&name);
	import->last = read_u64(r);
	import->keys = read_u64(r);
	import->uid = read_u32(r);
	import->at = read_time(r);
	return !name.failed && name.left == 0 && record_done(r) &&
	    import->first <= import->last;
}
