# llama.cpp, built once outside this tree, as imported targets: sovereign::llama (C API, ggml) and
# sovereign::llama_common (chat templates, grammars).
set(SOVEREIGN_LLAMA_SOURCE_DIR "" CACHE PATH "Unpacked llama.cpp sources")
set(SOVEREIGN_LLAMA_BUILD_DIR "" CACHE PATH "Where they were built")

find_package(Threads REQUIRED)
add_library(sovereign_llama INTERFACE)
add_library(sovereign::llama ALIAS sovereign_llama)
target_include_directories(sovereign_llama SYSTEM INTERFACE
  ${SOVEREIGN_LLAMA_SOURCE_DIR}/include ${SOVEREIGN_LLAMA_SOURCE_DIR}/ggml/include)
target_link_libraries(sovereign_llama INTERFACE
  ${SOVEREIGN_LLAMA_BUILD_DIR}/src/libllama.a
  ${SOVEREIGN_LLAMA_BUILD_DIR}/ggml/src/libggml.a
  ${SOVEREIGN_LLAMA_BUILD_DIR}/ggml/src/libggml-cpu.a
  ${SOVEREIGN_LLAMA_BUILD_DIR}/ggml/src/libggml-base.a
  Threads::Threads dl m)

add_library(sovereign_llama_common INTERFACE)
add_library(sovereign::llama_common ALIAS sovereign_llama_common)
target_include_directories(sovereign_llama_common SYSTEM INTERFACE
  ${SOVEREIGN_LLAMA_SOURCE_DIR}/common ${SOVEREIGN_LLAMA_SOURCE_DIR}/vendor)
target_link_libraries(sovereign_llama_common INTERFACE
  ${SOVEREIGN_LLAMA_BUILD_DIR}/common/libllama-common.a
  ${SOVEREIGN_LLAMA_BUILD_DIR}/common/libllama-common-base.a
  ${SOVEREIGN_LLAMA_BUILD_DIR}/vendor/cpp-httplib/libcpp-httplib.a
  sovereign_llama)
