import type { HostedRegistry } from './hosted-registry.js';

/** How often abandoned uploads are looked for, and how long one may rest, in milliseconds. */
const uploads = { everyMs: 60 * 60_000, olderThanMs: 24 * 60 * 60_000 };
/** How often it is asked what is due, in milliseconds. */
const lookEveryMs = 10 * 60_000;

interface UpkeepCall {
  readonly signal: AbortSignal;
}

/** What is done again and again. */
export interface UpkeepTask {
  /** Named in the log when it fails. */
  readonly name: string;
  /** Tells whether it was not done for so long, by whoever did it: a command, a caller, another process. */
  isDue(intervalMs: number): Promise<boolean>;
  run(call: UpkeepCall): Promise<unknown>;
}

export interface UpkeepOptions {
  readonly hosted: Pick<HostedRegistry, 'expireUploads'>;
  /** Milliseconds between two runs of a task; 0 for none. Asked for at each look. */
  readonly intervalMs: () => number;
  /** In their order; one that fails keeps none from running. */
  readonly tasks: readonly UpkeepTask[];
  readonly onFailure: (error: unknown, task: string) => void;
}

/**
 * Removes what nobody needs any more, again and again; nothing at once, so that a start reads no lists.
 *
 * @returns a function that ends it, and settles when nothing runs any more
 */
export function startUpkeep(options: UpkeepOptions): () => Promise<void> {
  const ending = new AbortController();
  const { everyMs, olderThanMs } = uploads;
  const { hosted } = options;
  const expiry = {
    name: 'expiry of uploads',
    run: (call: UpkeepCall) => hosted.expireUploads({ olderThanMs, ...call }),
  };
  const ends = [
    repeat(
      () => everyMs,
      () => runTask(expiry, options, ending.signal),
    ),
    repeat(
      () => waitMs(options),
      () => runDue(options, ending.signal),
    ),
  ];
  return async () => {
    ending.abort();
    await Promise.all(ends.map((end) => end()));
  };
}

function waitMs({ intervalMs }: UpkeepOptions): number {
  return Math.min(lookEveryMs, intervalMs() || lookEveryMs);
}

async function runDue(options: UpkeepOptions, signal: AbortSignal): Promise<void> {
  const everyMs = options.intervalMs();
  if (everyMs === 0) return;
  for (const task of options.tasks) {
    const look = { name: task.name, run: () => task.isDue(everyMs) };
    if (await runTask(look, options, signal)) await runTask(task, options, signal);
  }
}

async function runTask(
  task: Pick<UpkeepTask, 'name' | 'run'>,
  { onFailure }: UpkeepOptions,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) return undefined;
  try {
    return await task.run({ signal });
  } catch (error) {
    if (!signal.aborted) onFailure(error, task.name);
    return undefined;
  }
}

/** Does work again and again, waiting between. @returns a function that ends it, behind what runs */
function repeat(delayMs: () => number, work: () => Promise<unknown>): () => Promise<void> {
  let isEnding = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const wait = (): void => {
    if (isEnding) return;
    timer = setTimeout(() => (running = work().then(wait)), delayMs()).unref();
  };
  wait();
  return async () => {
    isEnding = true;
    clearTimeout(timer);
    await running;
  };
}
