#!/bin/sh
# Outside judges: the lifecycle of a service on aws-sim, moto and ministack, compared field by field; and the controller itself on
# moto and ministack. None of it needs Docker.
#
#   tests/outside/run.sh [aws-sim [evenkeel [ctl]]] [pytest arguments...]
#
# Without paths, the programs of target/debug are used.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/target/outside-venv"
AWS_SIM_BIN="$root/target/debug/aws-sim"
EVENKEEL_BIN="$root/target/debug/evenkeel"
CTL_BIN="$root/target/debug/ctl"

for name in AWS_SIM_BIN EVENKEEL_BIN CTL_BIN; do
    if [ $# -gt 0 ] && [ -x "$1" ] && [ ! -d "$1" ]; then
        eval "$name=\$(cd \"\$(dirname \"\$1\")\" && pwd)/\$(basename \"\$1\")"
        shift
    fi
    eval "bin=\$$name"
    if [ ! -x "$bin" ]; then
        echo "run.sh: $bin is not there; build it with: cargo build" >&2
        exit 2
    fi
done
export AWS_SIM_BIN EVENKEEL_BIN CTL_BIN

# The environment is made once, and anew when the requirements change.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

# moto's own tests are in its source package alone; they are of the version that is a judge, too.
version=$(sed -n 's/^moto==//p' "$here/requirements.txt")
suite="$root/target/moto-suite"
if [ "$(cat "$suite/version" 2>/dev/null)" != "$version" ]; then
    rm -rf "$suite"
    mkdir -p "$suite"
    "$venv/bin/pip" download --quiet --disable-pip-version-check --no-binary :all: --no-deps --dest "$suite" "moto==$version"
    tar -xzf "$suite/moto-$version.tar.gz" -C "$suite" --strip-components 1 "moto-$version/tests"
    echo "$version" >"$suite/version"
fi

cd "$here"
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" -m pytest -p no:cacheprovider -q "$@"
