# Which tests .ci/environments and .ci/old_kernel run.

# The rooms of test/ whose tests need Bazel or test other code than the library: the helpers, the fixture and the tool.
readonly other_rooms='support|testing|tool'

# process_tests [TEST...]: sets `targets` to those tests, named without their room, or to all tests that start
# processes; sets `programs` to the paths of their programs below bazel-bin.
process_tests() {
  local all test found
  mapfile -t all < <(./bazelw query 'tests(rdeps(//test/..., //test/support:main))' 2>/dev/null |
    grep -vE "^//test/($other_rooms):" | sort)
  targets=("${all[@]}")
  if [ $# -gt 0 ]; then
    targets=()
    for test in "$@"; do
      found=$(printf '%s\n' "${all[@]}" | grep ":${test##*:}\$") || { echo "no test $test"; exit 1; }
      targets+=("$found")
    done
  fi
  [ "${#targets[@]}" -gt 0 ] || { echo 'no tests were found'; exit 1; }
  programs=("${targets[@]#//}")
  programs=("${programs[@]/://}")
}
