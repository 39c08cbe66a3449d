# Functions of .ci/run and .ci/full: steps, their count, and the summary.

passed=0
failed=0
summary=()

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# record PASSED FAILED TEXT
record() {
  passed=$((passed + $1))
  failed=$((failed + $2))
  local verdict=ok
  [ "$2" = 0 ] || verdict=FAILED
  summary+=("$(printf '%-6s  %4ds  %s: %d passed, %d failed' "$verdict" "$((SECONDS - started))" "$3" "$1" "$2")")
}

# step NAME COMMAND...: one check.
step() {
  local name=$1
  shift
  echo "=== $name"
  started=$SECONDS
  if "$@" </dev/null; then record 1 0 "$name"; else record 0 1 "$name"; fi
}

# test_step NAME BAZEL_ARGS...: each test target counts; no result for any target is one failure. `bazel` says how to run
# Bazel, if not by ./bazelw.
test_step() {
  local name=$1
  shift
  echo "=== $name"
  started=$SECONDS
  local status=0 good bad
  "${bazel[@]-./bazelw}" "$@" </dev/null 2>&1 | tee "$work/tests"
  status=${PIPESTATUS[0]}
  good=$(grep -cE '^//[^ ]+ +(\(([0-9]+/[0-9]+ )?cached\) )?PASSED' "$work/tests")
  bad=$(grep -cE '^//[^ ]+ +(\(([0-9]+/[0-9]+ )?cached\) )?(FAILED|FLAKY|TIMEOUT|NO STATUS|INCOMPLETE)' "$work/tests")
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  if [ "$good" = 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  record "$good" "$bad" "$name"
}

# Every header and source file of ours is as clang-format would write it.
check_format() {
  find docs include lib test \( -name '*.h' -o -name '*.cc' \) -type f -print0 |
    xargs -0 -r clang-format --dry-run -Werror
}

# Deadlines are on the monotonic clock: our code never asks for the time of day.
check_clocks() {
  ! grep -rnE 'system_clock|CLOCK_REALTIME|absl::Now|gettimeofday|\<time\((nullptr|NULL|0|&)' include lib
}

# The README's run command: the shell that ignores two signals is ended by the third, in order.
check_stubborn_shell() {
  local status=0 started=$SECONDS problems=0
  ./bazelw run //:warden_cli -- run --timeout=2s --interrupt-timeout=1s --terminate-timeout=1s -- sh -c 'trap "" INT TERM; while :; do sleep 1; done' >"$work/out" 2>"$work/err"
  status=$?
  cat "$work/err"
  if [ "$status" != 124 ]; then
    echo "the exit code is $status, not 124"
    problems=1
  fi
  if [ -s "$work/out" ]; then
    echo "something was written to stdout:"
    cat "$work/out"
    problems=1
  fi
  # The program's own output starts after Bazel's last line; Bazel repeats the arguments before it.
  sed '1,/Running command line/d' "$work/err" >"$work/report"
  local order
  order=$(grep -E '^\[[0-9]+\] ' "$work/report" | grep -oE 'SIG(INT|TERM|KILL)' | awk '!seen[$0]++' | tr '\n' ' ')
  if [ "$order" != 'SIGINT SIGTERM SIGKILL ' ]; then
    echo "the report does not show SIGINT, SIGTERM, SIGKILL in this order, but: $order"
    problems=1
  fi
  return "$problems"
}

# count_step NAME COMMAND...: takes over the numbers of the command's last line, "N passed, N failed".
count_step() {
  local name=$1
  shift
  echo "=== $name"
  started=$SECONDS
  "$@" </dev/null | tee "$work/counted"
  local good=0 bad=1
  if [[ $(tail -n 1 "$work/counted") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
  fi
  record "$good" "$bad" "$name"
}

# Prints the summary; the exit code says whether all passed.
finish() {
  echo
  echo '=== summary'
  printf '%s\n' "${summary[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}
