import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a run has started and made; `close` ends and removes it all, last made first. */
export class Scope {
  /** @type {(() => Promise<unknown>)[]} */
  #undo = [];
  /** @type {Promise<void> | undefined} */
  #closing;
  /** Where temporary directories are made. */
  workDir;

  /** @param {string} [workDir] */
  constructor(workDir = tmpdir()) {
    this.workDir = workDir;
  }

  /** @param {() => Promise<unknown>} undo */
  defer(undo) {
    this.#undo.push(undo);
  }

  /** @param {string} name */
  async temporaryDirectory(name) {
    if (this.#closing) throw new Error('the run was broken off');
    const path = await mkdtemp(join(this.workDir, `oci-bench-${name}-`));
    this.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  /**
   * Starts a program that is killed when the scope is closed.
   *
   * @param {string} file
   * @param {readonly string[]} args
   * @param {import('node:child_process').SpawnOptions} [options]
   */
  start(file, args, options = {}) {
    // Nobody would end it.
    if (this.#closing) throw new Error('the run was broken off');
    const child = spawn(file, args, options);
    this.defer(() => stop(child));
    return child;
  }

  /** Ends and removes everything; called twice, as by an interrupt and by the case that it breaks, it is one close. */
  close() {
    this.#closing ??= this.#undoAll();
    return this.#closing;
  }

  async #undoAll() {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop())
      await undo().catch((error) => process.stderr.write(`${error}\n`));
  }
}

/** @param {import('node:child_process').ChildProcess} child */
async function stop(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
