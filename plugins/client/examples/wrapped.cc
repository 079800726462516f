// SPDX-License-Identifier: BSD-2-Clause
//
// libapikey from C++: a client that closes itself. Verifies the API key on
// the first line of standard input.
//
//	c++ wrapped.cc $(pkg-config --cflags --libs libapikey)
//	./a.out [SOCKET [TIMEOUT_MS]] <FILE
//
// Exits 0 if it is valid, 1 if not, 2 if nobody knows.

#include <apikey.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct closer {
	void operator()(apikey_client *client) const
	{
		apikey_client_close(client);
	}
};
using client_ptr = std::unique_ptr<apikey_client, closer>;

client_ptr open_client(const char *path)
{
	apikey_client *client = nullptr;
	apikey_status status = apikey_client_open(&client, path);

	if (status != APIKEY_OK)
		throw std::runtime_error(apikey_status_text(status));
	return client_ptr(client);
}

apikey_result verify(
    const client_ptr &client, const std::string &token, int timeout_ms)
{
	apikey_request request = APIKEY_REQUEST_INIT;
	apikey_result result = APIKEY_RESULT_INIT;

	request.token = token.data();
	request.token_len = token.size();
	request.endpoint = "example: C++";
	apikey_status status =
	    apikey_verify(client.get(), &request, &result, timeout_ms);
	if (status != APIKEY_OK)
		throw std::runtime_error(apikey_status_text(status));
	return result;
}

}

int main(int argc, char **argv)
try {
	client_ptr client = open_client(argc > 1 ? argv[1] : nullptr);
	std::string token;

	std::getline(std::cin, token);
	apikey_result result =
	    verify(client, token, argc > 2 ? std::atoi(argv[2]) : 1000);
	std::cout << apikey_verdict_text(result.verdict) << ' ' << result.id
		  << '\n';
	return result.verdict == APIKEY_VALID ? 0 : 1;
} catch (const std::exception &e) {
	std::cerr << "no answer: " << e.what() << '\n';
	return 2;
}
