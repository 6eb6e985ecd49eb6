// What one request took. Latencies start when it was due: a client that sends late because the server is slow must not
// hide what its users would have waited (coordinated omission). Other tools start when it was sent; so do the *_sent_s.
#pragma once

#include <cstdint>
#include <vector>

#include "load/load_run.h"

namespace drawbridge {

double ttft_s(const RequestRecord& r);       // due to first token
double ttft_sent_s(const RequestRecord& r);  // sent to first token
double e2e_s(const RequestRecord& r);        // due to the end
double e2e_sent_s(const RequestRecord& r);   // sent to the end
double lateness_s(const RequestRecord& r);   // due to sent

/// Mean time of a token behind the first; kNever for answers of one token.
double tpot_s(const RequestRecord& r, int64_t n_output);
/// Gaps between pieces.
std::vector<double> itls_s(const RequestRecord& r);

/// Tokens that the client itself can account for: its count, or the pieces if there are more; -1 if it has neither.
int64_t client_tokens(const RequestRecord& r);
/// Tokens of the answer: the server's report, unless it claims more than a client that counts by a tokenizer found;
/// then the client's. So no report can raise a figure above what arrived.
int64_t answer_tokens(const RequestRecord& r, const LoadSetup& setup);
/// Whether the client's count is of tokens, not of the pieces they came in.
bool counts_tokens(const LoadSetup& setup);
/// Reports above this many are more than what arrived, end tokens and unseen markers allowed for.
double most_believable_tokens(int64_t n_client);

/// Tokens of the prompt: reported, else designed.
int64_t prompt_tokens(const RequestRecord& r);

/// The requests without those of --num-warmups.
std::vector<const RequestRecord*> measured_requests(const LoadRun& run);
/// When the last of them ended; 0 if none did. (LoadRun::duration_s counts from the first arrival.)
double last_end_s(const LoadRun& run);

}  // namespace drawbridge
