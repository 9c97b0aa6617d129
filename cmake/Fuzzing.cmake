# SOVEREIGN_FUZZ (clang only): everything is compiled with coverage, and sovereign_fuzzer() makes the programs
# that `make fuzz` runs. The target 'fuzzers' builds them all, at fuzzers/NAME_fuzzer.
option(SOVEREIGN_FUZZ "Build the libFuzzer targets" OFF)
if(SOVEREIGN_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SOVEREIGN_FUZZ needs clang: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers)
endif()

# sovereign_fuzzer(NAME SOURCES … LINK …): a source defines LLVMFuzzerTestOneInput.
function(sovereign_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name}_fuzzer ${ARG_SOURCES})
  target_link_libraries(${name}_fuzzer PRIVATE ${ARG_LINK} sovereign_warnings)
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name}_fuzzer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  add_dependencies(fuzzers ${name}_fuzzer)
endfunction()
