// Runs the suites that talk to other programs, with all of those that are installed, and says which are not.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const programs = [
  'docker-registry',
  'registry',
  'zot',
  'oras',
  'crane',
  'regctl',
  'skopeo',
  'cosign',
  'kpm',
  'versitygw',
  'ceph-mon',
  'ceph-osd',
  'radosgw',
  'conformance',
  'zsh',
  'fish',
];
const directories = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')];

function isInstalled(program) {
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const suites = ['packages', 'apps']
  .flatMap((root) => readdirSync(root, { recursive: true }).map((path) => join(root, path)))
  .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
  .filter((path) => /\bdescribePeer\(|\bpeer\('/.test(readFileSync(path, 'utf8')));

const missing = programs.filter((program) => !isInstalled(program));
console.log(`with: ${programs.filter((program) => !missing.includes(program)).join(', ')}`);
if (missing.length > 0) console.log(`skipped for want of: ${missing.join(', ')}`);
const args = ['vitest', 'run', ...process.argv.slice(2), ...suites];
process.exit(spawnSync('pnpm', ['exec', ...args], { stdio: 'inherit' }).status ?? 1);
