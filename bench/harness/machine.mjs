import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';

/** What a figure depends on besides the programs. */
export function describeMachine() {
  const [cpu] = cpus();
  return {
    cpu: `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${arch()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(process.cwd()),
    load: loadavg()
      .map((value) => value.toFixed(1))
      .join(' '),
  };
}

/**
 * @param {string} path
 */
export function fileSystemOf(path) {
  try {
    return execFileSync('stat', ['-f', '-c', '%T', path], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
