#!/usr/bin/env bash
# Builds the pinned llama.cpp once into the cache folder, and prints two lines: its sources, its build.
#   build_llama.sh [--portable] [--cuda] [--peers] [--tinyblas | --openblas]
# --portable  for any x86-64 CPU with AVX2 (else for this machine's CPU)
# --cuda      with the CUDA backend; --cuda=90 for GPUs of that architecture only (several: 80,90), else for
#             this machine's, or for ggml's own list if the CPU's kernels are to be portable
# --peers     also llama-server, llama-bench, llama-batched-bench and llama-quantize, for the benchmarks
# --tinyblas  llama-batched-bench with llamafile's matrix products, a peer of the benchmark of kernels
# --openblas  the same with OpenBLAS
# CC, CXX     compilers
# The folder's name holds a hash of all that shapes the result: version, flags, compiler, CPU, patches.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cpu=native flags=() targets=(llama llama-common)
flags=(-DCMAKE_BUILD_TYPE=Release
  -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG"
  -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON
  -DGGML_LLAMAFILE=OFF -DGGML_OPENMP=OFF -DGGML_CCACHE=OFF
  -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF
  -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF)
for option in "$@"; do
  case $option in
    --portable) cpu=avx2 ;;
    --cuda | --cuda=*)
      toolkit=$("$root/scripts/cuda_toolkit.sh")
      flags+=(-DGGML_CUDA=ON "-DCMAKE_CUDA_COMPILER=$toolkit/bin/nvcc" "-DCUDAToolkit_ROOT=$toolkit")
      [[ $option == --cuda ]] || flags+=("-DCMAKE_CUDA_ARCHITECTURES=$(tr , ';' <<< "${option#*=}")")
      ;;
    --tinyblas) flags+=(-DGGML_LLAMAFILE=ON) targets=(llama-batched-bench) ;;
    --openblas) flags+=(-DGGML_BLAS=ON -DGGML_BLAS_VENDOR=OpenBLAS) targets=(llama-batched-bench) ;;
    --peers) targets+=(llama-server llama-bench llama-batched-bench llama-quantize) ;;
    *) die "build_llama.sh: unknown option '$option'" ;;
  esac
done
if [[ $cpu == native ]]; then
  flags+=(-DGGML_NATIVE=ON)
else
  flags+=(-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON)
fi

cc=${CC:-cc} cxx=${CXX:-c++}
command -v cmake > /dev/null && command -v ninja > /dev/null && command -v "$cxx" > /dev/null ||
  die "cmake, ninja or a C++ compiler is missing; run 'make setup' first"
pinned llama.cpp
flags+=("-DLLAMA_BUILD_NUMBER=0" "-DLLAMA_BUILD_COMMIT=$package-$version")

shopt -s nullglob
patches=("$root"/cmake/llama-patches/*.patch)
short() { sha256sum | cut -c 1-12; }
patch_key=$(cat /dev/null "${patches[@]}" | short)
native_key=$([[ $cpu == native ]] && "$cxx" -march=native -E -v -x c++ /dev/null 2>&1 | grep -e '-march=\|cc1plus' || true)
build_key=$(printf '%s\n' "$digest" "$patch_key" "${flags[@]}" "$native_key" \
  "$("$cc" --version | head -n 1)" "$("$cxx" --version | head -n 1)" | short)

upstream=$cache/llama.cpp/$version/upstream
folder=$cache/llama.cpp/$version/$build_key
sources=$folder/source
build=$folder/build
mkdir -p "$folder" || die "cannot create $folder; make it writable or set XDG_CACHE_HOME"
exec 9> "$folder/lock" || die "cannot write $folder/lock; make it writable or set XDG_CACHE_HOME"
flock -n 9 || { say "waiting for another build of llama.cpp"; flock 9; }

copy_and_patch() {
  local staging=$folder/source.new said
  rm -rf "$staging"
  cp -r "$upstream" "$staging" || die "cannot copy llama.cpp's sources to $staging; is there space (200 MB)?"
  rm -rf "$staging"/{docs,media,models}
  for patch in "${patches[@]}"; do
    said=$(patch -d "$staging" -p1 --batch --fuzz=0 < "$patch") || {
      say "$said"
      die "$patch does not apply to llama.cpp of $package $version"
    }
  done
  mv "$staging" "$sources"
}

if [[ ! -d $sources ]]; then
  fetch_pinned llama.cpp "$upstream" > /dev/null
  copy_and_patch
fi

done_targets=$(cat "$build/built-targets" 2> /dev/null || true)
if [[ $done_targets != *"${targets[*]}"* ]]; then
  say "building llama.cpp (${targets[*]}) in $build; once, a few minutes"
  mkdir -p "$build"
  # Relative paths, so that a new patch compiles again only what it touches.
  export CCACHE_BASEDIR=$folder
  launcher=()
  if command -v ccache > /dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
      -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  fi
  if ! { cmake -G Ninja -S "$sources" -B "$build" "${flags[@]}" "${launcher[@]}" \
           -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" &&
         ninja -C "$build" "${targets[@]}"; } > "$build/build.log" 2>&1; then
    grep -m 5 -iE 'error|No space left' "$build/build.log" >&2 || tail -n 5 "$build/build.log" >&2
    die "llama.cpp did not build; the whole log is $build/build.log"
  fi
  printf '%s\n' "${targets[*]}" > "$build/built-targets.new"
  mv "$build/built-targets.new" "$build/built-targets"
fi
printf '%s\n' "$sources" "$build"
