#include "load/generator.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <utility>

#include <sys/resource.h>

#include "load/dispatcher.h"
#include "load/run_span.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr int64_t kMaxWarmupClients = 8;
constexpr size_t kMaxAhead = 512;
constexpr size_t kMaxAheadBytes = 64 << 20;
constexpr int64_t kOtherFiles = 32;  // beside connections

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

RequestForm form_of(const LoadSetup& setup) {
  return {setup.model, setup.endpoint.ends_with("/chat/completions"), setup.ignores_eos};
}

/// Raises this process's limit of open files as far as it may; every request under way holds one.
Status allow_connections(int64_t n_wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur == RLIM_INFINITY || n_wanted + kOtherFiles <= static_cast<int64_t>(limit.rlim_cur))
    return Status();
  return fail(Code::kResourceExhausted,
              "{} requests at once: wanted as many open files, found a limit of {}; raise it with ulimit -Hn", n_wanted,
              limit.rlim_cur);
}

class Generator {
 public:
  Generator(asio::io_context& io, StreamClient& client, RunClock& clock, Workload& workload,
            const GeneratorOptions& options, LoadRun& run);

  void warm_up();
  void run();

 private:
  bool is_closed() const { return !options_.arrivals && !options_.replays_trace; }
  std::optional<DueRequest> plan(int64_t lane);
  void shift_warmups();

  void send_warmup();
  void start_client(int64_t lane);
  void plan_ahead();
  bool has_room_ahead() const;
  void await_arrival();
  void arrive();
  std::optional<double> due_time(const PlannedRequest& plan);

  void dispatch(DueRequest request, std::function<void()> then);
  void keep(const StreamAnswer& answer);
  void tick();
  void stop(const std::string& reason);
  bool has_bound_reached(double due_s) const;
  void end_if_over();

  asio::io_context& io_;
  StreamClient& client_;
  RunClock& clock_;
  Workload& workload_;
  const GeneratorOptions& options_;
  LoadRun& run_;
  const RequestForm form_;
  Dispatcher dispatcher_;
  std::optional<Arrivals> arrivals_;
  std::optional<double> trace_start_s_;
  asio::steady_timer arrival_timer_;
  asio::steady_timer tick_timer_;
  std::deque<DueRequest> ahead_;  // wait for their time
  size_t ahead_bytes_ = 0;
  LoadProgress progress_;
  int64_t n_planned_ = 0;
  int64_t n_warmups_ = 0;  // planned
  bool is_warming_up_ = false;
  bool is_planned_out_ = false;  // nothing more will be sent
};

Generator::Generator(asio::io_context& io, StreamClient& client, RunClock& clock, Workload& workload,
                     const GeneratorOptions& options, LoadRun& run)
    : io_(io),
      client_(client),
      clock_(clock),
      workload_(workload),
      options_(options),
      run_(run),
      form_(form_of(run.setup)),
      dispatcher_(client, clock, form_, is_closed() ? 0 : options.max_concurrency),
      arrival_timer_(io),
      tick_timer_(io) {
  if (options.arrivals) arrivals_.emplace(*options.arrivals);
  client_.on_piece([this](const AnswerPiece&) { ++progress_.n_pieces; });
}

/// Nothing when the workload is at its end or fails, which ends the run.
std::optional<DueRequest> Generator::plan(int64_t lane) {
  auto planned = workload_.next(lane);
  if (!planned.ok()) {
    stop(planned.status().message());
    return std::nullopt;
  }
  if (!*planned) {
    is_planned_out_ = true;
    return std::nullopt;
  }
  return make_due_request(form_, std::move(**planned));
}

void Generator::warm_up() {
  if (options_.n_warmups == 0) return;
  is_warming_up_ = true;
  const int64_t n_clients = std::min(options_.n_warmups, kMaxWarmupClients);
  for (int64_t i = 0; i < n_clients; ++i) asio::post(io_, [this] { send_warmup(); });
  tick();
  io_.run();
  io_.restart();
  is_warming_up_ = false;
  progress_ = {};
  shift_warmups();
}

/// Their times are seconds since the run's start too, which only now is known.
void Generator::shift_warmups() {
  const double start_s = clock_.now_s();
  for (RequestRecord& record : run_.requests) {
    for (double* time : {&record.due_s, &record.sent_s, &record.headers_s, &record.first_token_s, &record.end_s}) {
      *time -= start_s;
    }
    for (AnswerPiece& piece : record.pieces) piece.at_s -= start_s;
    if (options_.on_record && !run_.was_stopped) {
      if (const Status kept = options_.on_record(record); !kept.ok()) stop(kept.message());
    }
  }
}

void Generator::send_warmup() {
  if (n_warmups_ >= options_.n_warmups || run_.was_stopped) return end_if_over();
  auto request = plan(n_warmups_ % workload_.n_lanes());
  if (!request) return end_if_over();
  request->record.index = n_warmups_++ - options_.n_warmups;
  request->record.is_warmup = true;
  request->record.due_s = clock_.now_s();
  if (request->plan.due_s) trace_start_s_ = request->plan.due_s;
  dispatch(std::move(*request), [this] { send_warmup(); });
}

void Generator::run() {
  if (run_.was_stopped) return;
  while (!is_closed() && has_room_ahead()) plan_ahead();
  if (options_.on_start) options_.on_start();
  clock_.start_now();
  const double cpu_before = cpu_seconds();
  if (is_closed()) {
    for (int64_t lane = 0; lane < options_.max_concurrency; ++lane)
      asio::post(io_, [this, lane] { start_client(lane); });
  } else {
    asio::post(io_, [this] { await_arrival(); });
  }
  tick();
  io_.run();
  run_.n_postponed = dispatcher_.n_postponed();
  run_.generator_cpu_share = (cpu_seconds() - cpu_before) / std::max(clock_.now_s(), 1e-9);
}

/// A client of the closed loop sends its next request.
void Generator::start_client(int64_t lane) {
  const double now_s = clock_.now_s();
  if (has_bound_reached(now_s)) return end_if_over();
  auto request = plan(lane % workload_.n_lanes());
  if (!request) return end_if_over();
  request->record.index = n_planned_++;
  request->record.due_s = now_s;
  dispatch(std::move(*request), [this, lane] { start_client(lane); });
}

bool Generator::has_bound_reached(double due_s) const {
  return run_.was_stopped || is_planned_out_ || (options_.n_requests > 0 && n_planned_ >= options_.n_requests) ||
         (options_.duration_s > 0 && due_s >= options_.duration_s);
}

/// Makes one more request of an open loop, ahead of its time: drawing 20,000 words takes a millisecond, by which all
/// that are due in it would be late.
void Generator::plan_ahead() {
  if (has_bound_reached(0)) return;
  auto request = plan(n_planned_ % workload_.n_lanes());
  const auto due_s = request ? due_time(request->plan) : std::nullopt;
  is_planned_out_ = !due_s || has_bound_reached(*due_s);
  if (is_planned_out_) return;
  request->record.index = n_planned_++;
  request->record.due_s = *due_s;
  ahead_bytes_ += request->body.size();
  ahead_.push_back(std::move(*request));
}

bool Generator::has_room_ahead() const {
  return ahead_.size() < kMaxAhead && ahead_bytes_ < kMaxAheadBytes && !has_bound_reached(0);
}

void Generator::await_arrival() {
  if (ahead_.empty()) plan_ahead();
  if (ahead_.empty()) return end_if_over();
  arrival_timer_.expires_at(clock_.at(ahead_.front().record.due_s));
  arrival_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) arrive();
  });
}

std::optional<double> Generator::due_time(const PlannedRequest& plan) {
  if (!options_.replays_trace) return arrivals_->next();
  if (!plan.due_s) return std::nullopt;
  if (!trace_start_s_) trace_start_s_ = plan.due_s;
  return *plan.due_s - *trace_start_s_;
}

void Generator::arrive() {
  if (run_.was_stopped) return;
  DueRequest request = std::move(ahead_.front());
  ahead_.pop_front();
  ahead_bytes_ -= request.body.size();
  dispatch(std::move(request), [] {});
  await_arrival();
  // Behind whatever else is to be done now.
  asio::post(io_, [this] {
    if (has_room_ahead()) plan_ahead();
  });
}

void Generator::dispatch(DueRequest request, std::function<void()> then) {
  ++progress_.n_sent;
  dispatcher_.dispatch(std::move(request), [this, then = std::move(then)](const StreamAnswer& answer) {
    keep(answer);
    then();
    end_if_over();
  });
}

void Generator::keep(const StreamAnswer& answer) {
  run_.requests.push_back(answer.record);
  RequestRecord& record = run_.requests.back();
  ++progress_.n_ended;
  if (!record.succeeded()) ++progress_.n_failed;
  if (record.succeeded() && options_.count_output) {
    const auto text = options_.count_output(answer.text);
    const auto other = options_.count_output(answer.other);
    if (text.ok() && other.ok()) record.n_output_counted = *text + *other;
  }
  if (!is_warming_up_ && options_.on_record) {
    if (const Status kept = options_.on_record(record); !kept.ok()) stop(kept.message());
  }
  if (options_.max_errors > 0 && progress_.n_failed >= options_.max_errors) {
    stop(fmt::format("{} requests have failed, the last with: {}", progress_.n_failed, record.error));
  }
}

void Generator::tick() {
  if (options_.should_stop && options_.should_stop()) stop("interrupted");
  progress_.now_s = clock_.now_s();
  progress_.n_in_flight = dispatcher_.n_in_flight();
  if (options_.on_progress) options_.on_progress(progress_);
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Generator::stop(const std::string& reason) {
  if (run_.was_stopped) return;
  run_.was_stopped = true;
  run_.stop_reason = reason;
  arrival_timer_.cancel();
  // Not at once: this may be called while a request of the client is ending.
  asio::post(io_, [this] {
    dispatcher_.stop();
    end_if_over();
  });
}

void Generator::end_if_over() {
  const bool sends_more = is_warming_up_ ? n_warmups_ < options_.n_warmups && !is_planned_out_
                                         : !has_bound_reached(clock_.now_s()) || !ahead_.empty();
  if (dispatcher_.n_in_flight() + dispatcher_.n_waiting() > 0) return;
  if (sends_more && !run_.was_stopped) return;
  io_.stop();
}

}  // namespace

Result<LoadRun> run_load(LoadSetup setup, const StreamClientOptions& client_options, Workload& workload,
                         const GeneratorOptions& options) {
  DB_TRY(allow_connections(options.max_concurrency));
  asio::io_context io(1);
  RunClock clock;
  DB_ASSIGN(const auto client, StreamClient::create(io, client_options, clock));
  LoadRun run;
  run.setup = std::move(setup);
  Generator generator(io, *client, clock, workload, options, run);
  generator.warm_up();
  generator.run();
  sort_by_index(run.requests);
  measure_span(run);
  return run;
}

}  // namespace drawbridge
