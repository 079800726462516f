/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "record_impl.h"

void
record_from_outbox(struct record *record, const struct outbox_piece *piece)
{
	struct writer w = record_begin(
	    record, record_name(RECORD_OUTBOX, &piece->slot, 1), RECORD_LIVE);

	write_u64(&w, piece->sequence);
	write_u8(&w, piece->n);
	write_u8(&w, piece->of);
	write_u16(&w, piece->len);
	write_bytes(&w, piece->text, piece->len);
}

bool
record_to_outbox(struct record_view *view, struct outbox_piece *piece)
{
	struct reader *r = &view->body;
	struct bytes text;

	memset(piece, 0, sizeof *piece);
	piece->sequence = read_u64(r);
	piece->n = read_u8(r);
	piece->of = read_u8(r);
	piece->len = read_u16(r);
	text = read_bytes(r, piece->len);
	if (view->name.len != 1 || view->name.data[0] >= OUTBOX_SLOTS ||
	    !record_done(r) || piece->of > OUTBOX_SLOTS ||
	    piece->len > OUTBOX_PIECE_MAX)
		return false;
	piece->slot = view->name.data[0];
	if (text.len > 0)
		memcpy(piece->text, text.data, text.len);
	return true;
}
