#include "base/build_info.h"

#include "base/git_commit.h"  // generated at each build: SOVEREIGN_GIT_COMMIT

namespace sovereign::build_info {

const std::string_view version = SOVEREIGN_VERSION;
const std::string_view git_commit = SOVEREIGN_GIT_COMMIT;
const std::string_view compiler = SOVEREIGN_COMPILER;
const std::string_view build_type = SOVEREIGN_BUILD_TYPE;
const std::string_view cpu_features =
    ""
#ifdef __x86_64__
    "x86_64"
#endif
#ifdef __aarch64__
    "aarch64"
#endif
#ifdef __SSE4_2__
    " sse4.2"
#endif
#ifdef __AVX__
    " avx"
#endif
#ifdef __AVX2__
    " avx2"
#endif
#ifdef __FMA__
    " fma"
#endif
#ifdef __AVX512F__
    " avx512f"
#endif
#ifdef __AVX512BW__
    " avx512bw"
#endif
#ifdef __AVX512VNNI__
    " avx512_vnni"
#endif
#ifdef __AVX512BF16__
    " avx512_bf16"
#endif
#ifdef __ARM_NEON
    " neon"
#endif
#ifdef __ARM_FEATURE_DOTPROD
    " dotprod"
#endif
    ;

}  // namespace sovereign::build_info
