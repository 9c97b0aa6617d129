// Where files live, by the XDG Base Directory Specification 0.8.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace sovereign::config {

// Environment variables by name. An argument rather than getenv, so that it is read in one place.
using Environment = std::map<std::string, std::string>;

// This process's environment.
Environment process_environment();

// $XDG_CONFIG_HOME/sovereign, else ~/.config/sovereign; empty when there is no home either.
std::filesystem::path config_directory(const Environment& environment);

// What a program keeps from run to run and no other machine needs: $XDG_STATE_HOME/sovereign, else
// ~/.local/state/sovereign, else /var/lib/sovereign.
std::filesystem::path state_directory(const Environment& environment);

// $XDG_CACHE_HOME/sovereign, else ~/.cache/sovereign, else /var/cache/sovereign.
std::filesystem::path cache_directory(const Environment& environment);

}  // namespace sovereign::config
