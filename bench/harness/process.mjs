import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A program to run.
 *
 * @typedef {object} Command
 * @property {string} file
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string>>} [env] beside the environment
 * @property {string} [cwd]
 */

/**
 * What one run of a program took.
 *
 * @typedef {object} Measure
 * @property {number} wallMs
 * @property {number} cpuMs user and system, of the program and what it waited for
 * @property {number} peakBytes of resident memory, of the program itself
 * @property {string} stdout
 */

/** Clock ticks of `/proc/*\/stat`: 100 a second on every Linux that Node runs on. */
const tickMs = 10;

/** How often the peak is looked at; it is a high-water mark, so only its last moments can be missed. */
const pollMs = 10;

/**
 * Runs a program to its end. One at a time, because CPU time is told by the kernel for all children together.
 *
 * @param {Command} command
 * @param {import('./scope.mjs').Scope} scope
 * @returns {Promise<Measure>}
 */
export async function measure(command, scope) {
  const cpuBefore = childrenCpuMs();
  const startedAt = performance.now();
  const child = scope.start(command.file, command.args, {
    cwd: command.cwd ?? scope.workDir,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peakBytes = 0;
  const poll = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid ?? 0));
  }, pollMs);
  try {
    const output = await outputOf(child, command);
    const wallMs = output.endedAt - startedAt;
    return { wallMs, cpuMs: childrenCpuMs() - cpuBefore, peakBytes, stdout: output.stdout };
  } finally {
    clearInterval(poll);
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {Command} command
 * @returns {Promise<{ stdout: string, endedAt: number }>}
 */
function outputOf(child, command) {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-4000)));
  return new Promise((resolve, reject) => {
    let endedAt = 0;
    child.once('error', reject);
    child.once('exit', () => (endedAt = performance.now()));
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ stdout, endedAt });
      else reject(new Error(`${lineOf(command)} ended with ${code ?? signal}\n${stderr}`));
    });
  });
}

/** @param {Command} command */
function lineOf({ file, args }) {
  return [file, ...args].join(' ');
}

/** CPU time of all children that have ended and were waited for. */
function childrenCpuMs() {
  const fields = statFields('self');
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
}

/**
 * CPU time of a process that runs.
 *
 * @param {number} pid
 */
export function cpuMsOf(pid) {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/**
 * The fields of `/proc/<pid>/stat` behind the name, which may hold blanks: the first is `state`.
 *
 * @param {number | string} pid
 */
function statFields(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/**
 * The most memory that a process had, bytes; 0 when it has ended.
 *
 * @param {number} pid
 */
export function peakOf(pid) {
  return statusBytes(pid, 'VmHWM');
}

/**
 * Has the peak of a process begin anew with what it has now.
 *
 * @param {number} pid
 */
export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/**
 * The memory that a process has now, bytes; 0 when it has ended.
 *
 * @param {number} pid
 */
export function residentOf(pid) {
  return statusBytes(pid, 'VmRSS');
}

/**
 * @param {number} pid
 * @param {string} name
 */
function statusBytes(pid, name) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
