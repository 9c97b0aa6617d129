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

# sovereign_fuzzer(NAME SOURCES … LINK …): a source defines LLVMFuzzerTestOneInput. Without SOVEREIGN_FUZZ, the
# same function becomes a test that runs over tests/fuzz/corpus/NAME_fuzzer.
function(sovereign_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  if(NOT SOVEREIGN_FUZZ)
    add_executable(${name}_replay ${ARG_SOURCES} replay_main.cpp)
    target_link_libraries(${name}_replay PRIVATE ${ARG_LINK} sovereign_warnings)
    add_test(NAME fuzz.${name}_corpus
      COMMAND ${name}_replay ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}_fuzzer)
    set_tests_properties(fuzz.${name}_corpus PROPERTIES TIMEOUT 300)
    return()
  endif()
  add_executable(${name}_fuzzer ${ARG_SOURCES})
  target_link_libraries(${name}_fuzzer PRIVATE ${ARG_LINK} sovereign_warnings)
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name}_fuzzer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
  add_dependencies(fuzzers ${name}_fuzzer)
endfunction()
