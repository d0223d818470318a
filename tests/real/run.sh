#!/bin/sh
# Asks AWS itself what Evenkeel takes for true of it, in a scratch VPC, and says where it differs.
#
#   tests/real/run.sh --region eu-west-1 --vpc vpc-… --subnets subnet-a…,subnet-b… \
#       --security-group sg-… --execution-role arn:aws:iam::…:role/…     (credentials: as for any AWS tool)
#   tests/real/run.sh --simulated [path of the aws-sim binary]           (the same against the simulated AWS)
#
# It makes a cluster, a load balancer, target groups, log groups and small Fargate services, all named `evenkeel-check-…`,
# takes half an hour, costs well under a dollar, and deletes what it made. See docs/real-aws.md.
# Exit codes: 0 AWS agrees, 1 something differs, 2 it could not be run.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/target/real-venv"
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

if [ "${1:-}" != "--simulated" ]; then
    exec "$venv/bin/python" "$here/check.py" "$@"
fi
bin=${2:-"$root/target/debug/aws-sim"}
if [ ! -x "$bin" ]; then
    echo "run.sh: $bin is not there; build it with: cargo build -p aws-sim" >&2
    exit 2
fi
port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$bin" --listen "127.0.0.1:$port" --speed 60 --seed 7 >"$root/target/real-aws-sim.log" 2>&1 &
sim=$!
trap 'kill "$sim" 2>/dev/null || true; wait "$sim" 2>/dev/null || true' EXIT
tries=0
until "$venv/bin/python" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1).close()" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "run.sh: aws-sim did not come up" >&2; exit 2; }
    sleep 0.1
done
"$venv/bin/python" "$here/check.py" --endpoint "http://127.0.0.1:$port" --pause 0.1
