/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

static struct outbox_line *
line_at(struct outbox *outbox, unsigned i)
{
	return &outbox->lines[(outbox->first + i) % OUTBOX_SLOTS];
}

const struct outbox_line *
outbox_line(const struct outbox *outbox, unsigned i)
{
	return &outbox->lines[(outbox->first + i) % OUTBOX_SLOTS];
}

void
outbox_clear(struct outbox *outbox)
{
	for (unsigned i = 0; i < outbox->count; i++)
		free(line_at(outbox, i)->text);
	*outbox = (struct outbox){.count = 0};
}

unsigned
outbox_pieces(size_t len)
{
	return (unsigned)((len + OUTBOX_PIECE_MAX - 1) / OUTBOX_PIECE_MAX);
}

unsigned
outbox_free_slots(const struct outbox *outbox)
{
	return OUTBOX_SLOTS - outbox->used;
}

void
outbox_add(struct outbox *outbox, uint64_t sequence, char *text, size_t len)
{
	struct outbox_line *line = line_at(outbox, outbox->count++);

	*line = (struct outbox_line){
	    .sequence = sequence,
	    .text = text,
	    .len = len,
	    .slot = outbox->next_slot,
	    .pieces = outbox_pieces(len),
	};
	outbox->used += line->pieces;
	outbox->next_slot = (line->slot + line->pieces) % OUTBOX_SLOTS;
}

void
outbox_record(struct record *record, const struct outbox_line *line, unsigned n)
{
	size_t at = (size_t)n * OUTBOX_PIECE_MAX, left = line->len - at;
	struct outbox_piece piece = {
	    .slot = (uint8_t)((line->slot + n) % OUTBOX_SLOTS),
	    .sequence = line->sequence,
	    .n = (uint8_t)n,
	    .of = (uint8_t)line->pieces,
	    .len =
		(uint16_t)(left < OUTBOX_PIECE_MAX ? left : OUTBOX_PIECE_MAX),
	};

	memcpy(piece.text, line->text + at, piece.len);
	record_from_outbox(record, &piece);
}

void
outbox_take_back(struct outbox *outbox, unsigned count)
{
	while (outbox->count > count) {
		struct outbox_line *line = line_at(outbox, --outbox->count);

		outbox->used -= line->pieces;
		outbox->next_slot = line->slot;
		free(line->text);
	}
}

void
outbox_forget_filed(struct outbox *outbox)
{
	for (; outbox->in_file > 0; outbox->in_file--) {
		outbox->used -= line_at(outbox, 0)->pieces;
		free(line_at(outbox, 0)->text);
		outbox->first = (outbox->first + 1) % OUTBOX_SLOTS;
		outbox->count--;
	}
}

/* Restoring */

bool
outbox_load(struct outbox_image *image, struct record_view *view)
{
	struct outbox_piece piece;

	if (!record_to_outbox(view, &piece))
		return false;
	image->pieces[piece.slot] = piece;
	image->found++;
	return true;
}

/* Whether a whole line of this sequence ends in this slot. */
static bool
ends_in(const struct outbox_image *image, unsigned slot, uint64_t sequence)
{
	unsigned of = image->pieces[slot].of;

	if (of == 0)
		return false;
	for (unsigned n = 0; n < of; n++) {
		const struct outbox_piece *piece =
		    &image->pieces[(slot + OUTBOX_SLOTS - n) % OUTBOX_SLOTS];

		if (piece->sequence != sequence || piece->of != of ||
		    piece->n != of - 1 - n)
			return false;
	}
	return true;
}

/* Adds the line that begins in this slot. */
static bool
add_from(struct outbox *outbox, const struct outbox_image *image, unsigned slot)
{
	const struct outbox_piece *first = &image->pieces[slot];
	char *text = malloc((size_t)first->of * OUTBOX_PIECE_MAX);
	size_t len = 0;

	if (text == NULL)
		return false;
	for (unsigned n = 0; n < first->of; n++) {
		const struct outbox_piece *piece =
		    &image->pieces[(slot + n) % OUTBOX_SLOTS];

		memcpy(text + len, piece->text, piece->len);
		len += piece->len;
	}
	outbox_add(outbox, first->sequence, text, len);
	return true;
}

bool
outbox_restore(struct outbox *outbox, const struct outbox_image *image,
    uint64_t head_sequence)
{
	unsigned end = 0, begin, slots = 0, count = 0;

	outbox_clear(outbox);
	if (head_sequence == 0)
		return true;
	while (!ends_in(image, end, head_sequence))
		if (++end == OUTBOX_SLOTS)
			return false;
	/* Back from the newest, as long as what was there before it is whole
	 * and not of these same slots. */
	begin = (end + 1) % OUTBOX_SLOTS;
	for (;;) {
		unsigned last = (begin + OUTBOX_SLOTS - 1) % OUTBOX_SLOTS;
		unsigned of = image->pieces[last].of;

		if (count == head_sequence ||
		    !ends_in(image, last, head_sequence - count) ||
		    slots + of > OUTBOX_SLOTS)
			break;
		slots += of;
		count++;
		begin = (begin + OUTBOX_SLOTS - of) % OUTBOX_SLOTS;
	}
	outbox->next_slot = begin;
	while (count-- > 0)
		if (!add_from(outbox, image, outbox->next_slot))
			return false;
	return true;
}
