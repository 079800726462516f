/* SPDX-License-Identifier: BSD-2-Clause */
/* libapikey against peers that answer, stall, lie, die and come back. */
#include "client_peer.h"

int
main(void)
{
	Suite *suite = suite_create("client");

	add_answer_cases(suite);
	add_connection_cases(suite);
	add_batch_cases(suite);
	add_request_cases(suite);
	add_signature_cases(suite);
	add_usage_cases(suite);
	add_loop_cases(suite);
	add_abi_cases(suite);
	return suite_run(suite);
}
