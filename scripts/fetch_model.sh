#!/usr/bin/env bash
# Makes the default model present and whole in the cache folder; prints its path.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
pinned model
fetch_pinned model "$cache/models/${member##*/}"
