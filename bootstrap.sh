#!/bin/sh
# Runs nox sessions from a private virtual environment: nothing is installed into the system's Python.
#
#   ./bootstrap.sh bench          the default matrix on this computer and on two emulated boards
#   ./bootstrap.sh tests          the project's own tests
#   ./bootstrap.sh bench --matrix poster -k "mlp1-"    what follows the session goes to pytest
#
# Needs Python 3.11, 3.12 or 3.13 with the venv module. PYTHON names another interpreter.
set -eu

usage() {
    sed -n '2,/^set/{s/^# \{0,1\}//;/^set/d;p;}' "$0"
}

say() {
    printf 'bootstrap: %s\n' "$*" >&2
}

# The first interpreter on PATH that TensorFlow supports.
find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Debian and Ubuntu keep `venv` in a package of its own; install it where that needs no password.
install_venv_module() {
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if command -v apt-get >/dev/null 2>&1; then
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root='sudo -n'
        if [ -z "$as_root" ] || sudo -n true >/dev/null 2>&1; then
            say "installing $package"
            $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends "$package" && return
        fi
    fi
    say "this Python cannot make virtual environments; install its venv module: apt-get install $package"
    return 1
}

case ${1:-} in
-h | --help | '')
    usage
    [ $# -gt 0 ] || exit 2
    exit 0
    ;;
-*)
    say "unknown option $1"
    usage >&2
    exit 2
    ;;
esac

session=$1
shift
cd "$(dirname "$0")"

python=$(find_python) || {
    say 'no Python 3.11, 3.12 or 3.13 found; install one (apt-get install python3 python3-venv) or set PYTHON'
    exit 1
}
environment=.venv
if ! "$environment/bin/python" -c 'import nox' >/dev/null 2>&1; then
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || install_venv_module "$python"
    say "making $environment with $("$python" --version)"
    "$python" -m venv --clear "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check 'nox>=2024.10'
fi
# What follows the session is pytest's, whether or not the user wrote nox's "--" before it.
[ "${1:-}" != -- ] || shift
[ $# -eq 0 ] || set -- -- "$@"
exec "$environment/bin/python" -m nox --session "$session" "$@"
