#!/bin/sh
# Drives aws-sim with boto3 and checks every raw answer against AWS's own service models.
#
#   tests/wire/run.sh [path of the aws-sim binary] [pytest arguments...]
#
# Without a path, AWS_SIM_BIN is used, and without that target/debug/aws-sim.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/target/wire-venv"

bin=${AWS_SIM_BIN:-"$root/target/debug/aws-sim"}
if [ $# -gt 0 ] && [ -x "$1" ] && [ ! -d "$1" ]; then
    bin=$1
    shift
fi
if [ ! -x "$bin" ]; then
    echo "run.sh: $bin is not there; build it with: cargo build -p aws-sim" >&2
    exit 2
fi
bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")

# The environment is made once, and anew when the requirements change.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
log="$root/target/wire-aws-sim.log"
"$bin" --listen "127.0.0.1:$port" --speed "${AWS_SIM_SPEED:-100}" --seed 7 >"$log" 2>&1 &
sim=$!
trap 'kill "$sim" 2>/dev/null || true; wait "$sim" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

tries=0
until "$venv/bin/python" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1).close()" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -ge 100 ] || ! kill -0 "$sim" 2>/dev/null; then
        echo "run.sh: aws-sim did not come up; its output:" >&2
        cat "$log" >&2
        exit 2
    fi
    sleep 0.1
done

cd "$here"
AWS_SIM_BIN=$bin AWS_SIM_ENDPOINT="http://127.0.0.1:$port" PYTHONDONTWRITEBYTECODE=1 \
    "$venv/bin/python" -m pytest -p no:cacheprovider -q "$@"
