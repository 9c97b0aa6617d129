# What `cmake --install` puts where. The program itself writes its manual page, completions and example
# configuration, so that they cannot differ from it.
include(GNUInstallDirs)
install(TARGETS sovereign RUNTIME)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# sovereign_written(DESTINATION NAME ARGUMENT…): the output of `sovereign ARGUMENT…`, as NAME in DESTINATION.
function(sovereign_written destination name)
  list(JOIN ARGN " " arguments)
  install(CODE "
    execute_process(COMMAND $<TARGET_FILE:sovereign> ${arguments}
      OUTPUT_FILE \"${PROJECT_BINARY_DIR}/${name}\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${PROJECT_BINARY_DIR}/${name} DESTINATION ${destination})
endfunction()
sovereign_written(${CMAKE_INSTALL_MANDIR}/man1 sovereign.1 man)
sovereign_written(${CMAKE_INSTALL_DATADIR}/bash-completion/completions sovereign.bash completion bash)
sovereign_written(${CMAKE_INSTALL_DATADIR}/zsh/site-functions _sovereign completion zsh)
sovereign_written(${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d sovereign.fish completion fish)
sovereign_written(${CMAKE_INSTALL_DOCDIR}/examples sovereign.toml config example)
