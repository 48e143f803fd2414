import type { CopyAllEvent } from '@oci/client/copy';
import { printable } from '@oci/spec-types/text';

import { durationText, shortDigest, sizeText } from '../render/quantity.js';

/** What deserves a line whatever is shown. */
export function describeUnusual(event: CopyAllEvent): string | undefined {
  const text = describe(event);
  return text === undefined ? undefined : printable(text);
}

function describe(event: CopyAllEvent): string | undefined {
  switch (event.type) {
    case 'warning':
      return `warning: ${event.message}`;
    case 'retry':
      return `retrying ${whenText(event.delayMs)} (attempt ${event.attempt}): ${event.reason}`;
    case 'wait':
      return `waiting ${durationText(event.delayMs)} for ${event.host}: ${event.reason}`;
    case 'resume':
      return `resuming ${shortDigest(event.digest)} at ${sizeText(event.offset)}`;
    case 'mirror':
      return event.used ? undefined : `asking another than ${event.host}: ${event.reason ?? ''}`;
    case 'moved':
      return `warning: ${event.reference} moved from ${event.from} to ${event.to}`;
    case 'stale':
      return `warning: ${event.reference} is as of ${durationText(event.ageMs)} ago: ${event.reason}`;
    case 'damaged':
      return `warning: ${event.digest} was damaged on the disk, and is fetched again when it is needed; it is kept as ${event.movedTo}`;
    default:
      return undefined;
  }
}

function whenText(delayMs: number): string {
  return delayMs < 50 ? 'now' : `in ${durationText(delayMs)}`;
}
