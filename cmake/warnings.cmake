# Flags of our own code: strict warnings are errors; sanitizers by DB_SANITIZE.
add_library(db_flags INTERFACE)
target_compile_options(db_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
target_link_libraries(db_flags INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these in inlined library code at -O2 and above.
  target_compile_options(db_flags INTERFACE -Wno-error=maybe-uninitialized -Wno-error=restrict
    -Wno-error=mismatched-new-delete)
endif()
# Contraction and reordering of floating point would break "same bits whatever the batch".
target_compile_options(db_flags INTERFACE -ffp-contract=off -fno-fast-math)
if(DB_SANITIZE STREQUAL "address")
  target_compile_options(db_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(db_flags INTERFACE -fsanitize=address,undefined)
elseif(DB_SANITIZE STREQUAL "thread")
  target_compile_options(db_flags INTERFACE -fsanitize=thread)
  # ThreadSanitizer does not know fences; what Asio's protect is ordered by its mutex as well.
  target_compile_definitions(db_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  target_link_options(db_flags INTERFACE -fsanitize=thread)
elseif(DB_SANITIZE)
  message(FATAL_ERROR "DB_SANITIZE is '${DB_SANITIZE}': wanted address, thread or empty")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
  # It compiles C++20 coroutines without the macro by which libstdc++ asks for them, and cannot check their calls.
  target_compile_definitions(db_flags INTERFACE __cpp_impl_coroutine=201902L)
  target_compile_options(db_flags INTERFACE -fno-sanitize=function)
endif()
if(DB_FUZZ)
  target_compile_options(db_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
