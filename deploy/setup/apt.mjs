// Installs Debian packages where that is possible without asking a person for anything.

import { spawnSync } from "node:child_process";
import { findProgram } from "./find-program.mjs";
import { runVisibly } from "./visibly.mjs";

// Debian starts a server's service when its package is installed, and again at every boot. Plexus runs servers of its
// own, so neither is wanted: the policy file (Debian's own means, see invoke-rc.d(8)) forbids the start for as long as
// apt runs and is then removed; services that were not there before are not enabled. An existing policy is the
// administrator's and stays as it is.
const SCRIPT = `
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
own_policy=
cleanup() { if [ -n "$own_policy" ]; then rm -f "$policy"; fi; }
trap cleanup EXIT
trap 'exit 130' HUP INT TERM
apt-get -q update
if [ ! -e "$policy" ]; then
  own_policy=yes
  printf '#!/bin/sh\\n# Only while Plexus installs packages with apt. May be deleted.\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@"
if [ -d /run/systemd/system ]; then
  for package in "$@"; do
    case $package in *-server) systemctl --quiet disable "$package.service" || true ;; esac
  done
fi
`;

/**
 * @param {string} title shown while it takes long
 * @param {string[]} packages
 * @returns {Promise<void>}
 * @throws {SetupError} if apt fails
 */
export async function aptInstall(title, packages) {
  await runVisibly(title, [...(rootPrefix() ?? []), "sh", "-c", SCRIPT, "sh", ...packages]);
}

/** Why apt can't be used here, in words for a person; undefined where it can. */
export function whyNoApt() {
  if (!findProgram(["apt-get"])) return "there is no apt-get here";
  return rootPrefix() ? undefined : "this user is not root and has no passwordless sudo";
}

/** What to put before a command that needs root; undefined if there is no way to be root without a password. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const sudo = findProgram(["sudo"]);
  if (!sudo) return undefined;
  return spawnSync(sudo, ["-n", "true"], { stdio: "ignore" }).status === 0 ? [sudo, "-n"] : undefined;
}
