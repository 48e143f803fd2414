import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** How each program tells its version. */
const versionArguments = {
  crane: ['version'],
  oras: ['version'],
  regctl: ['version'],
  skopeo: ['--version'],
  'docker-registry': ['--version'],
  registry: ['--version'],
  zot: ['--version'],
  tar: ['--version'],
  wrk: ['-v'],
  versitygw: ['--version'],
};

/** @typedef {keyof typeof versionArguments} PeerName */

const peerNames = /** @type {PeerName[]} */ (Object.keys(versionArguments));

/**
 * The path of a program, in `PATH` or where `go install` puts it; undefined where it is not installed.
 *
 * @param {PeerName} name
 */
export function findPeer(name) {
  const goPath = process.env['GOPATH'] ?? join(homedir(), 'go');
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), join(goPath, 'bin')];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What is installed, with its version, and what is missing. */
export function describePeers() {
  const found = peerNames.map((name) => ({ name, path: findPeer(name) }));
  return {
    installed: found.flatMap(({ name, path }) =>
      path === undefined ? [] : [`${name} ${versionOf(name, path)}`],
    ),
    missing: found.flatMap(({ name, path }) => (path === undefined ? [name] : [])),
  };
}

/**
 * @param {PeerName} name
 * @param {string} path
 */
function versionOf(name, path) {
  let text;
  try {
    text = execFileSync(path, versionArguments[name], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    // wrk prints its version and fails.
    text = /** @type {{ stdout?: string }} */ (error).stdout ?? '';
  }
  return /v?\d+\.\d+[\w.+-]*/.exec(text)?.[0] ?? 'of unknown version';
}
