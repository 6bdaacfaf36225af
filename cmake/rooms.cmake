# varve_room(NAME HEADERS ... SOURCES ... DEPENDS ... TESTS ...)
#
# Declares the static library varve_NAME from the files of src/NAME and, when TESTS is given, the
# test program NAME_test from the files of tests/NAME. DEPENDS takes names of other rooms (base,
# model, ...) or CMake targets.
function(varve_room name)
  cmake_parse_arguments(ROOM "" "" "HEADERS;SOURCES;DEPENDS;TESTS" ${ARGN})
  set(target varve_${name})
  add_library(${target} STATIC ${ROOM_SOURCES} ${ROOM_HEADERS})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  foreach(dependency ${ROOM_DEPENDS})
    if(TARGET varve_${dependency})
      target_link_libraries(${target} PUBLIC varve_${dependency})
    else()
      target_link_libraries(${target} PUBLIC ${dependency})
    endif()
  endforeach()
  if(ROOM_TESTS)
    list(TRANSFORM ROOM_TESTS PREPEND ${PROJECT_SOURCE_DIR}/tests/${name}/)
    varve_test(${name}_test SOURCES ${ROOM_TESTS} DEPENDS ${target})
  endif()
endfunction()

# varve_tell_source_dir(FILE...): defines VARVE_SOURCE_DIR for those of the files that use it. The others
# compile to the same bytes in every clone, so that ccache serves them.
function(varve_tell_source_dir)
  foreach(source ${ARGN})
    file(STRINGS ${source} uses REGEX VARVE_SOURCE_DIR LIMIT_COUNT 1)
    if(uses)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS
                   VARVE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    endif()
  endforeach()
endfunction()

# varve_test(NAME SOURCES ... DEPENDS ...): a GoogleTest program, run by ctest case by case suite.
function(varve_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  if(VARVE_SANITIZE MATCHES "thread")
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/tsan_mutex.cc)
    target_link_libraries(${name} PRIVATE ${CMAKE_DL_LIBS})
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  varve_tell_source_dir(${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# varve_fuzzer(NAME SOURCE DEPENDS ...): with VARVE_FUZZ a libFuzzer program; otherwise the same
# entry point run over tests/fuzz/corpus/NAME as an ordinary test.
function(varve_fuzzer name source)
  cmake_parse_arguments(FUZZ "" "" "DEPENDS" ${ARGN})
  set(target fuzz_${name})
  if(VARVE_FUZZ)
    add_executable(${target} ${source})
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${target} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.cc)
    add_test(NAME ${target}
             COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${FUZZ_DEPENDS})
endfunction()

# varve_bench(NAME DEPENDS ...): the micro benchmark NAME_bench from bench/micro/NAME_bench.cc.
function(varve_bench name)
  cmake_parse_arguments(BENCH "" "" "DEPENDS" ${ARGN})
  add_executable(${name}_bench ${name}_bench.cc)
  target_include_directories(${name}_bench PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name}_bench PRIVATE ${BENCH_DEPENDS} benchmark::benchmark
                                              benchmark::benchmark_main)
endfunction()
