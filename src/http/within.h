// within: an operation with a time limit, for coroutines of Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace drawbridge {

/// What `work` returns, or nothing when `limit` passes first; then `work` is cancelled. `work` must not throw.
template <typename T>
boost::asio::awaitable<std::optional<T>> within(std::chrono::milliseconds limit, boost::asio::awaitable<T> work) {
  using namespace boost::asio::experimental::awaitable_operators;  // NOLINT: for operator||
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, limit);
  auto first = co_await (std::move(work) || timer.async_wait(boost::asio::use_awaitable));
  if (first.index() != 0) co_return std::nullopt;
  co_return std::get<0>(std::move(first));
}

}  // namespace drawbridge
