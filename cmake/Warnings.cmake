# Warnings for our own targets only; third-party headers come in as SYSTEM.
add_library(sovereign_warnings INTERFACE)
target_compile_options(sovereign_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Werror)
