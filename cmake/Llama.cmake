# llama.cpp, built once outside this tree, as sovereign::llama (C API, ggml) and sovereign::llama_common
# (chat templates, grammars). scripts/build_llama.sh obtains and builds the pinned version in the cache folder;
# the two _DIR variables name another copy instead.
#   SOVEREIGN_PORTABLE      kernels for any x86-64 CPU with AVX2, not for this machine's
#   SOVEREIGN_CUDA          with ggml's CUDA backend, by the toolkit that scripts/cuda_toolkit.sh finds or fetches
#   SOVEREIGN_CUDA_ARCHITECTURES  of which GPUs, such as 90; empty: this machine's
#   SOVEREIGN_SYSTEM_LLAMA  libllama and ggml of the system, of the pinned version; our common library
# SOVEREIGN_LLAMA_PACKAGE says what was taken, for 'sovereign version'.
option(SOVEREIGN_PORTABLE "Run on any x86-64 CPU with AVX2" OFF)
option(SOVEREIGN_CUDA "Build ggml's CUDA backend" OFF)
set(SOVEREIGN_CUDA_ARCHITECTURES "" CACHE STRING "GPU architectures, such as 90; empty: this machine's")
option(SOVEREIGN_SYSTEM_LLAMA "Use the system's llama.cpp" OFF)
set(SOVEREIGN_LLAMA_SOURCE_DIR "" CACHE PATH "llama.cpp sources; empty: the pinned ones")
set(SOVEREIGN_LLAMA_BUILD_DIR "" CACHE PATH "Where they were built; empty: build them in the cache folder")

set(llama_pins ${PROJECT_SOURCE_DIR}/packaging/third-party.lock)
set(llama_script ${PROJECT_SOURCE_DIR}/scripts/build_llama.sh)
file(GLOB llama_patches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/llama-patches/*.patch)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${llama_pins} ${llama_script} ${llama_patches})

set(llama_options)
if(SOVEREIGN_PORTABLE)
  list(APPEND llama_options --portable)
endif()
if(SOVEREIGN_CUDA)
  if(SOVEREIGN_CUDA_ARCHITECTURES STREQUAL "")
    list(APPEND llama_options --cuda)
  else()
    # A list would fall apart into arguments here.
    string(REPLACE ";" "," llama_architectures "${SOVEREIGN_CUDA_ARCHITECTURES}")
    list(APPEND llama_options --cuda=${llama_architectures})
  endif()
endif()
# One a line, for scripts/bench.sh, which builds the peers alike.
list(JOIN llama_options "\n" llama_option_lines)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/llama-options CONTENT "${llama_option_lines}")

if(SOVEREIGN_LLAMA_SOURCE_DIR AND SOVEREIGN_LLAMA_BUILD_DIR)
  set(llama_source ${SOVEREIGN_LLAMA_SOURCE_DIR})
  set(llama_build ${SOVEREIGN_LLAMA_BUILD_DIR})
else()
  execute_process(COMMAND ${llama_script} ${llama_options} OUTPUT_VARIABLE llama_folders
    OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE llama_failed)
  if(llama_failed)
    message(FATAL_ERROR "llama.cpp is not there; the reason stands above")
  endif()
  string(REPLACE "\n" ";" llama_folders "${llama_folders}")
  list(GET llama_folders 0 llama_source)
  list(GET llama_folders 1 llama_build)
endif()

file(STRINGS ${llama_pins} llama_pin REGEX "^llama\\.cpp[ \t]")
string(REGEX REPLACE "^llama\\.cpp[ \t]+([^ \t]+)[ \t]+([^ \t]+).*" "\\1 \\2" llama_pin "${llama_pin}")
file(STRINGS ${llama_source}/CMakeLists.txt llama_version REGEX "^set\\(LLAMA_VERSION_(MAJOR|MINOR|PATCH) ")
list(TRANSFORM llama_version REPLACE "[^0-9]" "")
list(JOIN llama_version "." llama_version)
set(SOVEREIGN_LLAMA_PACKAGE "${llama_version} (${llama_pin})")

# An archive of llama.cpp's build, and what it needs: so that the linker gets them in an order that works for everyone.
function(llama_archive name path)
  add_library(${name} STATIC IMPORTED)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${llama_build}/${path})
  target_link_libraries(${name} INTERFACE ${ARGN})
endfunction()

find_package(Threads REQUIRED)
add_library(sovereign_llama INTERFACE)
add_library(sovereign::llama ALIAS sovereign_llama)
if(SOVEREIGN_SYSTEM_LLAMA)
  find_package(llama REQUIRED)
  if(NOT "${LLAMA_VERSION}" MATCHES "^${llama_version}(-|$)")
    message(FATAL_ERROR "the system's llama.cpp is ${LLAMA_VERSION}; we need ${llama_version}")
  endif()
  target_link_libraries(sovereign_llama INTERFACE llama Threads::Threads)
else()
  llama_archive(llama_ggml_base ggml/src/libggml-base.a Threads::Threads ${CMAKE_DL_LIBS} m)
  llama_archive(llama_ggml_cpu ggml/src/libggml-cpu.a llama_ggml_base)
  set(llama_ggml_backends llama_ggml_cpu)
  if(SOVEREIGN_CUDA)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/cuda_toolkit.sh OUTPUT_VARIABLE CUDAToolkit_ROOT
      OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    # CMake 3.25 wants to mark it as deprecated, and CUDA 13 has it no more.
    add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
    find_package(CUDAToolkit REQUIRED)
    llama_archive(llama_ggml_cuda ggml/src/ggml-cuda/libggml-cuda.a
      llama_ggml_base CUDA::cudart_static CUDA::cublas CUDA::cublasLt CUDA::cuda_driver)
    list(APPEND llama_ggml_backends llama_ggml_cuda)
  endif()
  llama_archive(llama_ggml ggml/src/libggml.a ${llama_ggml_backends})
  llama_archive(llama_core src/libllama.a llama_ggml)
  target_include_directories(sovereign_llama SYSTEM INTERFACE ${llama_source}/include ${llama_source}/ggml/include)
  target_link_libraries(sovereign_llama INTERFACE llama_core)
endif()

llama_archive(llama_httplib vendor/cpp-httplib/libcpp-httplib.a)
llama_archive(llama_common_base common/libllama-common-base.a)
llama_archive(llama_common_all common/libllama-common.a llama_common_base llama_httplib sovereign_llama)
add_library(sovereign_llama_common INTERFACE)
add_library(sovereign::llama_common ALIAS sovereign_llama_common)
target_include_directories(sovereign_llama_common SYSTEM INTERFACE ${llama_source}/common ${llama_source}/vendor)
target_compile_definitions(sovereign_llama_common INTERFACE LLAMA_SUBPROCESS)
target_link_libraries(sovereign_llama_common INTERFACE llama_common_all)
