import type { TransferEvent } from '@oci/spec-types';
import prettyBytes from 'pretty-bytes';

import type { GlobalOptions } from './command/global-options.js';
import type { Terminal } from './terminal.js';

export type ProgressReporter = (event: TransferEvent) => void;

/** Shows what happens on stderr; `auto` is `plain` on a terminal, and only what is unusual elsewhere. */
export function createProgress(
  terminal: Pick<Terminal, 'stderr'>,
  options: Pick<GlobalOptions, 'progress' | 'quiet'>,
): ProgressReporter {
  const { stderr } = terminal;
  if (options.quiet || options.progress === 'none') return () => {};
  if (options.progress === 'json')
    return (event) => void stderr.write(`${JSON.stringify(event)}\n`);
  const isTerminal = 'isTTY' in stderr && stderr.isTTY === true;
  const everything = options.progress === 'plain' || isTerminal;
  return (event) => {
    const line = describe(event, everything);
    if (line !== undefined) stderr.write(`${line}\n`);
  };
}

function describe(event: TransferEvent, everything: boolean): string | undefined {
  switch (event.type) {
    case 'warning':
      return `warning: ${event.message}`;
    case 'retry':
      return `retrying in ${seconds(event.delayMs)} (attempt ${event.attempt}): ${event.reason}`;
    case 'wait':
      return `waiting ${seconds(event.delayMs)} for ${event.host}: ${event.reason}`;
    case 'resume':
      return `resuming ${event.digest} at ${prettyBytes(event.offset)}`;
    case 'mirror':
      return event.used ? undefined : `asking another than ${event.host}: ${event.reason ?? ''}`;
    case 'start':
      return everything
        ? `downloading ${event.title ?? event.digest} (${prettyBytes(event.size)})`
        : undefined;
    case 'done':
      return everything ? `verified ${event.digest} (${prettyBytes(event.size)})` : undefined;
    case 'moved':
      return `warning: ${event.reference} moved from ${event.from} to ${event.to}`;
    case 'stale':
      return `warning: ${event.reference} is as it was ${seconds(event.ageMs)} ago: ${event.reason}`;
    case 'damaged':
      return `warning: ${event.digest} was damaged in the cache and is fetched again; see ${event.movedTo}`;
    case 'joined':
      return everything ? `waiting for who downloads ${event.digest} already` : undefined;
    case 'resolve':
    case 'cached':
    case 'bytes':
    case 'verify':
      return undefined;
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
