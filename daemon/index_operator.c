/* SPDX-License-Identifier: BSD-2-Clause */
/* The index's operators and their PINs. */
#include <stdlib.h>
#include <string.h>

#include "index_impl.h"

struct operator_user *
index_operator(const struct index *index, uint32_t uid)
{
	struct operator_user *user;
	size_t at = 0;

	while (
	    (user = table_next(&index->operators, uid_hash(uid), &at)) != NULL)
		if (user->uid == uid)
			break;
	return user;
}

struct operator_user *
index_operator_by_login(const struct index *index, const char *login)
{
	struct operator_user *user;
	size_t position = 0;

	while ((user = index_next_operator(index, &position)) != NULL)
		if (strcmp(user->login, login) == 0)
			break;
	return user;
}

struct operator_user *
index_next_operator(const struct index *index, size_t *position)
{
	return order_next(&index->operator_order, position);
}

bool
index_add_operator(struct index *index, struct operator_user *user)
{
	return index_add(&index->operators, &index->operator_order,
	    uid_hash(user->uid), user);
}

void
index_replace_operator(struct operator_user *user, struct operator_user *from)
{
	struct operator_user old = *user;

	*user = *from;
	*from = old; /* so that what the old one owned is freed */
	operator_free(from);
}

void
index_remove_operator(struct index *index, struct operator_user *user)
{
	table_remove(&index->operators, uid_hash(user->uid), user);
	order_remove(&index->operator_order, user);
	operator_free(user);
}

struct pin *
index_pin(const struct index *index, uint32_t uid)
{
	struct pin *pin;
	size_t at = 0;

	while ((pin = table_next(&index->pins, uid_hash(uid), &at)) != NULL)
		if (pin->uid == uid)
			break;
	return pin;
}

bool
index_put_pin(struct index *index, const struct pin *pin, struct pin **room)
{
	struct pin *there = index_pin(index, pin->uid);

	if (there != NULL) {
		*there = *pin;
		return true;
	}
	/* Its own change has had room reserved in the table. */
	if (!table_reserve(&index->pins, index->pins.count + 1))
		return false;
	there = room != NULL ? *room : malloc(sizeof *there);
	if (there == NULL)
		return false;
	if (room != NULL)
		*room = NULL;
	*there = *pin;
	table_add(&index->pins, uid_hash(pin->uid), there);
	return true;
}

void
index_remove_pin(struct index *index, uint32_t uid)
{
	struct pin *pin = index_pin(index, uid);

	if (pin == NULL)
		return;
	table_remove(&index->pins, uid_hash(uid), pin);
	secret_wipe(pin, sizeof *pin);
	free(pin);
}

void
index_free_operators(struct index *index)
{
	struct table *pins = &index->pins;

	for (size_t i = 0; i < index->operator_order.len; i++)
		operator_free(index->operator_order.items[i]);
	free(index->operator_order.items);
	table_free(&index->operators);
	for (size_t i = 0; i < pins->capacity; i++)
		if (pins->slots[i].item != NULL) {
			secret_wipe(pins->slots[i].item, sizeof(struct pin));
			free(pins->slots[i].item);
		}
	table_free(pins);
}
