#!/usr/bin/env bash
# Prints the folder of a CUDA toolkit: that of nvcc (CUDACXX, PATH, /usr/local/cuda), else one made in the cache
# folder of NVIDIA's packages in the Python index (packaging/cuda/requirements.txt, hashes checked; 1 GB).
# The GPU's driver is no part of it: a machine that only builds needs none.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
  [[ -x $nvcc ]] || continue
  dirname "$(dirname "$(readlink -f "$nvcc")")"
  exit 0
done

pins=$root/packaging/cuda/requirements.txt
toolkit=$cache/cuda/$(sha256sum < "$pins" | cut -c 1-12)
mkdir -p "$cache/cuda"
exec 9> "$cache/cuda/lock"
flock 9
if [[ ! -e $toolkit/bin/nvcc ]]; then
  say "fetching CUDA's compiler and libraries; once, 1 GB"
  packages=$cache/cuda/packages
  rm -rf "$packages" "$toolkit"
  { python3 -m venv "$packages" && "$packages/bin/pip" --disable-pip-version-check install -q --require-hashes \
    --only-binary :all: --no-deps -r "$pins"; } >&2 || die "cannot fetch CUDA's packages; install NVIDIA's toolkit and put nvcc in PATH"
  rm -rf "$toolkit.new"
  mv "$packages"/lib/python3*/site-packages/nvidia/cu13 "$toolkit.new"
  rm -rf "$packages"
  # What linkers and CMake look for and the packages leave out.
  ln -s lib "$toolkit.new/lib64"
  for library in "$toolkit.new"/lib/lib*.so.*; do
    ln -s "${library##*/}" "${library%.so.*}.so"
  done
  # The driver's library by name only, for linking; the real one comes with the driver.
  mkdir "$toolkit.new/lib/stubs"
  printf 'int %s(void) { return 999; }\n' cuDeviceGet cuDeviceGetAttribute cuGetErrorString cuMemAddressFree \
    cuMemAddressReserve cuMemCreate cuMemGetAllocationGranularity cuMemMap cuMemRelease cuMemSetAccess cuMemUnmap |
    "${CC:-cc}" -shared -x c -Wl,-soname,libcuda.so.1 -o "$toolkit.new/lib/stubs/libcuda.so" -
  mv "$toolkit.new" "$toolkit"
fi
echo "$toolkit"
