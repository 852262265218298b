# Sourced by every script here: strict mode, paths, progress lines. Works with bash 3.2, which macOS has.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
outer_path=$PATH
export PATH="$root/.tools/bin:$root/node_modules/.bin:$PATH"
cd "$root"
mkdir -p "$logs"

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The script's own opening comment is its help text.
show_help() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

now_ms() {
  if [[ -n ${EPOCHREALTIME:-} ]]; then
    local micros=${EPOCHREALTIME/[.,]/}
    echo $((micros / 1000))
  else
    echo "$(date +%s)000"
  fi
}

# Takes a start in milliseconds; gives the seconds since then with one decimal.
seconds_since() {
  local tenths=$((($(now_ms) - $1) / 100))
  echo "$((tenths / 10)).$((tenths % 10))"
}

# Takes a crate's name; gives its version in Cargo.lock.
locked_version() {
  awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } $1 == "version" && found { gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

# Takes a version and the least one wanted; whether it is enough (numbers apart by dots).
version_at_least() {
  local have want i
  IFS=. read -ra have <<<"${1%%-*}"
  IFS=. read -ra want <<<"${2%%-*}"
  for i in 0 1 2; do
    ((${have[i]:-0} > ${want[i]:-0})) && return 0
    ((${have[i]:-0} < ${want[i]:-0})) && return 1
  done
  return 0
}

# First of the named programs that is there.
first_program() {
  local program
  for program in "$@"; do
    command -v "$program" && return 0
  done
  return 1
}

running=""
ticker=""

stop_running() {
  # The whole group: npm and cargo have children of their own.
  if [[ -n $running ]]; then kill -TERM -- "-$running" 2>/dev/null || true; fi
  if [[ -n $ticker ]]; then kill "$ticker" 2>/dev/null || true; fi
}
trap stop_running EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# While a step runs: on a terminal its seconds and last line of output each second, elsewhere a line every 30 s.
tick() {
  local label=$1 log=$2 seconds=0 last
  while sleep 1 >/dev/null 2>&1; do
    seconds=$((seconds + 1))
    [[ -t 1 ]] || ((seconds % 30 == 0)) || continue
    last=$(tail -c 400 "$log" 2>/dev/null | tr '\r\033' '\n ' | grep -av '^[[:space:]]*$' | tail -n 1 | cut -c 1-60) || true
    if [[ -t 1 ]]; then
      printf '\r\033[K%s … %d s  %s' "$label" "$seconds" "$last"
    else
      printf '    %s: %d s  %s\n' "$label" "$seconds" "$last"
    fi
  done
}

# Runs a command (or function) with its output in build/logs/NAME.log, and prints one line:
#   LABEL … ok (SECONDS s)    or    LABEL … FAILED (SECONDS s), then the end of the log.
# The function in $step_summary, when set, takes the log and the command's status and sets $summary, which ends the line.
run_step() {
  local label=$1 name=$2 status=0 start log
  shift 2
  log=$logs/$name.log
  start=$(now_ms)
  if [[ -t 1 ]]; then printf '%s …' "$label"; fi
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  running=$!
  set +m
  tick "$label" "$log" &
  ticker=$!
  wait "$running" || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  running="" ticker=""
  summary=""
  if [[ -n ${step_summary:-} ]]; then "$step_summary" "$log" "$status"; fi
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
  if ((status == 0)); then
    printf '%s … ok (%s s)%s\n' "$label" "$(seconds_since "$start")" "$summary"
  else
    printf '%s … FAILED (%s s)%s\n' "$label" "$(seconds_since "$start")" "$summary"
    tail -n "${step_tail:-30}" "$log" | sed 's/^/    /'
    printf '    (all of it: %s)\n' "${log#"$root"/}"
  fi
  return "$status"
}
