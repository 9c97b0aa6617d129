# SOVEREIGN_SANITIZE: empty, "address" (with undefined) or "thread". Ours only: llama.cpp stays as it is.
set(SOVEREIGN_SANITIZE "" CACHE STRING "address | thread | empty")
if(SOVEREIGN_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(SOVEREIGN_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(SOVEREIGN_SANITIZE)
  message(FATAL_ERROR "SOVEREIGN_SANITIZE must be 'address', 'thread' or empty, not '${SOVEREIGN_SANITIZE}'")
endif()
if(SOVEREIGN_SANITIZE)
  # GCC 12, once it instruments: Asio's fences are not modelled (the locks around them are), and every
  # coroutine frame that Asio allocates looks as if new and delete did not match. What a variant or an optional
  # does not hold looks uninitialized.
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-tsan>
                      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>
                      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
endif()
