# SPDX-License-Identifier: MIT
#
# fb_module(NAME folders...)   a static library fb_NAME of the .c files beside the CMakeLists.txt
# fb_warnings(TARGET)          the warnings the tree is free of, hardening, sanitizers

add_library(fb_flags INTERFACE)
target_include_directories(fb_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(fb_flags INTERFACE _GNU_SOURCE FB_VERSION="${PROJECT_VERSION}")
# Planted bugs (common/base/planted.h) are in every build but Release.
target_compile_definitions(fb_flags INTERFACE $<$<NOT:$<CONFIG:Release>>:FB_PLANTED>)
target_compile_options(fb_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2
  $<$<C_COMPILER_ID:GNU>:-Wcast-qual -Wimplicit-fallthrough=5> $<$<C_COMPILER_ID:Clang>:-Wimplicit-fallthrough>
  -fno-common -fstack-protector-strong -fPIE)
target_link_options(fb_flags INTERFACE -pie -Wl,-z,relro,-z,now)
if(NOT FB_SANITIZE)
  target_compile_options(fb_flags INTERFACE $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2 -fcf-protection>)
else()
  target_compile_options(fb_flags INTERFACE -fsanitize=${FB_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(fb_flags INTERFACE -fsanitize=${FB_SANITIZE})
endif()
if(FB_ANALYZE)
  # Leaks: gcc 12 loses sight of a pointer that is stored through an array in a struct. The address sanitizer finds them.
  target_compile_options(fb_flags INTERFACE -fanalyzer -Wno-analyzer-malloc-leak)
endif()
if(FB_FUZZ)
  target_compile_options(fb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# fb_module(NAME): every .c file of the folder is part of the module.
function(fb_module name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  if(NOT sources)
    message(STATUS "common/${name} has no sources yet")
    return()
  endif()
  add_library(fb_${name} STATIC ${sources})
  target_link_libraries(fb_${name} PRIVATE fb_flags PUBLIC ${ARGN})
endfunction()
