#!/usr/bin/env bash
# Prints tokens a second of decoding here and in llama.cpp, side by side: compare.sh [planner] [random] (both where none is named).
# planner is the embedded model, whose conversion is checked first; random has Qwen3-0.6B's shape and takes a quarter of an hour.
# Needs the .NET SDK, node and npm on Linux. llama.cpp comes as the libraries that node-llama-cpp is built on; nothing but node_modules stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
version=3.22.1 # LlamaLibrary has the structures of this version.
system=linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
libraries=$here/node_modules/@node-llama-cpp/$system/bins/$system
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

npm install --prefix "$here" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund "@node-llama-cpp/$system@$version" >&2
dotnet build -c Release "$root/tests/MixKVQ.AgentConnector.Benchmarks" -v quiet -clp:ErrorsOnly >&2
benchmarks=$root/tests/MixKVQ.AgentConnector.Benchmarks/bin/Release/net10.0/MixKVQ.AgentConnector.Benchmarks

[ $# -gt 0 ] || set -- planner random
for model; do
  case $model in
    planner)
      echo "The embedded model"
      node "$here/convert.mjs" "$root/samples/model" "$work/planner.gguf" 16384
      "$benchmarks" llama-parity "$libraries" "$root/samples/model" "$work/planner.gguf"
      "$benchmarks" llama "$libraries" "$root/samples/model" "$work/planner.gguf" bf16,f16,q8_0 100 8192
      ;;
    random)
      echo "Qwen3-0.6B's shape, random weights"
      "$benchmarks" random-model "$work/random"
      node "$here/convert.mjs" "$work/random" "$work/random.gguf"
      "$benchmarks" llama "$libraries" "$work/random" "$work/random.gguf" bf16,q8_0 100 8192
      ;;
    *)
      echo "There is no model '$model'; name planner or random." >&2
      exit 2
      ;;
  esac
done
