import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Which process wrote something, as a part of a file's name: `<number>.<start>.<boot>.<namespace>`. Containers may
 * share a host name, a directory and process numbers, so the number alone says nothing: it counts within the boot of
 * the machine and the namespace of processes, and a number that is used again has another start. Where the system
 * does not tell these (without /proc), it is the number alone, and nobody takes it for dead.
 */
export const ownProcess: string = identify();

export type ProcessState = 'alive' | 'dead' | 'unknown';

/** Whether a process lives whose identity a text begins with; unknown for one that cannot be seen from here. */
export function processState(text: string): ProcessState {
  const [identity, number, start, boot, namespace] = identityPattern.exec(text) ?? [];
  if (identity === undefined || boot === undefined) return 'unknown';
  const own = identityPattern.exec(ownProcess);
  if (boot !== own?.[3] || namespace !== own[4]) return 'unknown';
  if (!isUsed(Number(number))) return 'dead';
  const startNow = startOf(String(number));
  return startNow === undefined || startNow === start ? 'alive' : 'dead';
}

/** Whether a process is, or was, of this run of this machine: then its times are of our clock. */
export function isOfThisBoot(text: string): boolean {
  const boot = identityPattern.exec(text)?.[3];
  return boot !== undefined && boot === identityPattern.exec(ownProcess)?.[3];
}

const identityPattern = /^(\d{1,10})\.(\d{1,20})\.([0-9a-f]{16})\.(\d{1,20})(?!\d)/;

function identify(): string {
  const number = String(process.pid);
  try {
    // A /proc of another namespace tells of other processes.
    if (readlinkSync('/proc/self') !== number) return number;
    const boot = createHash('sha256').update(readFileSync('/proc/sys/kernel/random/boot_id'));
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    const start = startOf('self');
    if (start === undefined || namespace === undefined) return number;
    return `${number}.${start}.${boot.digest('hex').slice(0, 16)}.${namespace}`;
  } catch {
    return number;
  }
}

/** In ticks since the boot: the 22nd field, of which the 2nd, the name, may hold anything (proc_pid_stat(5)). */
function startOf(number: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${number}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isUsed(number: number): boolean {
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
