# cmake -DSOURCE=DIR -DOUT=FILE -P commit.cmake: a source file with build_commit() (src/bench/manifest.h): the commit that
# SOURCE is at, "+" after it where files differ. Written only when that changes.
find_program(GIT git)
set(commit unknown)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE head RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(commit ${head})
    execute_process(COMMAND ${GIT} -C ${SOURCE} diff --quiet HEAD RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
    if(differs)
      string(APPEND commit "+")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "#include \"bench/manifest.h\"

const char* drawbridge::build_commit() {
  return \"@commit@\";
}
")
