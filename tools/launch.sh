# Sourced by bin/wharf and bin/wharfd, after `root` is set: makes sure that what they run is there.
# Nothing is started on the way where nothing is missing; each check is the shell's own.

bun=$root/node_modules/bun/bin/bun.exe

say() { printf '%s\n' "$*" >&2; }

# install_packages NAME...: from the distribution, with a word on why
install_packages() {
  if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    say "wharf: please install: $*"
    return 1
  fi
  say "wharf: installing from the distribution's packages: $*"
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/tmp/wharf-setup.$$ 2>&1; then
    say "wharf: refreshing the list of packages"
    apt-get update -q >/tmp/wharf-setup.$$ 2>&1 || true
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/tmp/wharf-setup.$$ 2>&1; then
      tail -n 5 /tmp/wharf-setup.$$ >&2
      rm -f /tmp/wharf-setup.$$
      say "wharf: could not install: $*"
      return 1
    fi
  fi
  rm -f /tmp/wharf-setup.$$
}

# JavaScript packages, Bun's program among them, in the versions of package-lock.json. Not `npm ci`: npm 11 refuses
# a lock file without addresses of a registry as soon as a package has builds for other platforms.
ensure_modules() {
  if [ ! -x "$bun" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
    command -v npm >/dev/null 2>&1 || { say "wharf: npm is needed (install Node.js with npm)"; exit 1; }
    say "wharf: installing JavaScript packages with npm"
    (cd "$root" && npm install --no-save --no-audit --no-fund --loglevel=error >&2) || exit 1
    [ ! -f "$root/node_modules/.package-lock.json" ] || touch "$root/node_modules/.package-lock.json"
  fi
  # npm may refuse to run the package's own script that puts the program in place.
  "$bun" --version >/dev/null 2>&1 || (cd "$root/node_modules/bun" && node install.js >&2) || exit 1
}

# dist/ is current if it is newer than what git wrote last; edits by hand are found by looking at each file.
ensure_bundles() {
  [ -f "$root/dist/built" ] &&
    [ -z "$(find "$root/apps" "$root/packages" "$root/tools/build.ts" "$root/package-lock.json" -newer "$root/dist/built" -not -name '*.test.ts' -type f -print -quit)" ] &&
    touch "$root/dist/built" && return
  [ -f "$root/dist/built" ] || say "wharf: bundling the programs"
  "$bun" "$root/tools/build.ts" || exit 1
}

is_current() {
  [ -x "$bun" ] && [ -f "$root/dist/built" ] &&
    [ ! "$root/package-lock.json" -nt "$root/dist/built" ] &&
    [ ! "$root/.git/index" -nt "$root/dist/built" ]
}

ensure_programs() {
  is_current && [ -z "${WHARF_CHECK_SOURCES:-}" ] && return
  # Two commands at once on a fresh machine: one sets up, the other waits.
  if command -v flock >/dev/null 2>&1 && exec 9>"/tmp/wharf-setup-$(id -u).lock"; then flock 9; fi
  ensure_modules
  ensure_bundles
  exec 9>&-
}

# What wharfd needs of the host: an OCI runtime, libseccomp, an init for --init, ps for `top`.
ensure_host() {
  missing=
  command -v crun >/dev/null 2>&1 || command -v runc >/dev/null 2>&1 || missing="$missing crun"
  command -v tini >/dev/null 2>&1 || command -v docker-init >/dev/null 2>&1 || missing="$missing tini"
  command -v ps >/dev/null 2>&1 || missing="$missing procps"
  set -- /usr/lib/*/libseccomp.so.2 /lib/*/libseccomp.so.2 /usr/lib64/libseccomp.so.2
  found=
  for library in "$@"; do [ ! -e "$library" ] || found=1; done
  [ -n "$found" ] || missing="$missing libseccomp2"
  [ -z "$missing" ] || install_packages $missing || return 0
}
