#!/usr/bin/env bash
# Checks the GPU runtime on a machine that has an NVIDIA driver and a PyTorch for CUDA, and no .NET.
#
#   tests/gpu/check.sh publish                      here: makes artifacts/gpu-check, the folder to carry there
#   tests/gpu/check.sh run [TORCH_LIB] [STAGE…]     there: runs it, all stages or some; what it finds goes to the screen and to gpu-check.md
#
# The folder holds a copy of this script; `./check.sh run` inside it is the same. TORCH_LIB is PyTorch's torch/lib; without it python3 is asked.
# Each stage is a process of its own, so that none is at the mercy of another. The report goes to $REPORT_FOLDER where that is set, else beside the program.
# Exit code: 0, 1 where something is wrong, 2 where nothing could be run, 3 where all is right but a bar was missed.
set -euo pipefail
stages=(load parity end-to-end attention sealing prefill decode-step)
seconds=150
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  printf '%s\n' "$*" >&2
  exit 2
}

publish() {
  cd "$here/../.."
  local build=artifacts/gpu-check-build target=artifacts/gpu-check limit=$((40 << 20)) bytes
  rm -rf "$target"
  # A build of its own, without libtorch: an application holds one, PyTorch's in this case.
  dotnet publish tests/gpu/check -c Release -r linux-x64 -p:MixKvqTorch=none --artifacts-path "$build" -o "$target"
  rm -f "$target"/*.pdb "$target"/*.xml "$target"/TrainPlannerModel*
  mkdir "$target/model"
  cp samples/model/*.json samples/model/*.safetensors "$target/model"
  cp tests/gpu/check.sh "$target"
  du -ab "$target"
  bytes=$(du -sb "$target" | cut -f1)
  [ "$bytes" -lt "$limit" ] || fail "$target takes $bytes bytes; it must stay under $limit to be carried."
  printf '%s is ready: %s bytes.\n' "$target" "$bytes"
}

run() {
  local folder=$here torch=
  [ -e "$folder/MixKVQ.AgentConnector.GpuCheck" ] || folder=$here/../../artifacts/gpu-check
  [ -e "$folder/MixKVQ.AgentConnector.GpuCheck" ] || fail "There is no program beside this script. Make it with 'tests/gpu/check.sh publish'."
  if [ $# -gt 0 ] && [ -d "$1" ]; then
    torch=$1
    shift
  else
    torch=$(python3 -c 'import os, importlib.util as i; s = i.find_spec("torch"); print(os.path.join(os.path.dirname(s.origin), "lib") if s else "")') || torch=
    [ -n "$torch" ] || fail "python3 finds no PyTorch. Name its folder torch/lib: check.sh run TORCH_LIB."
  fi
  local report=${REPORT_FOLDER:-$folder}/gpu-check.md status=0 code stage
  chmod +x "$folder/MixKVQ.AgentConnector.GpuCheck"
  {
    printf '# check.sh run %s\n\n' "$*"
    nvidia-smi --query-gpu=name,memory.total,memory.used,driver_version,clocks.max.sm,power.limit --format=csv || true
  } 2>&1 | tee "$report"
  [ $# -gt 0 ] || set -- "${stages[@]}"
  for stage in "$@"; do
    code=0
    timeout -k 5 "$seconds" "$folder/MixKVQ.AgentConnector.GpuCheck" --torch "$torch" --report "$report" "$stage" || code=$?
    case $code in
      0) ;;
      2) [ "$status" = 0 ] && exit 2; status=1 ;;
      3) [ "$status" = 1 ] || status=3 ;;
      1) status=1 ;;
      *) status=1; printf 'FAILED: %s ended with code %s.\n' "$stage" "$code" | tee -a "$report" ;;
    esac
  done
  printf '\nExit code %s: %s.\n' "$status" "$(meaning "$status")" | tee -a "$report"
  return "$status"
}

meaning() {
  case $1 in
    0) echo 'all is right' ;;
    3) echo 'all is right, but a bar was missed' ;;
    *) echo 'something is wrong' ;;
  esac
}

case "${1:-}" in
  publish) publish ;;
  run) shift; run "$@" ;;
  *) fail "Usage: check.sh publish | run [TORCH_LIB] [STAGE…]" ;;
esac
