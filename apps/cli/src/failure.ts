import type { OciError } from '@oci/spec-types';
import { errorJson } from '@oci/spec-types/api';

import type { Terminal } from './terminal.js';

/** Says on stderr what failed and what to do about it; the registry's own words on lines of their own. */
export function printFailure(
  error: OciError,
  terminal: Pick<Terminal, 'stderr'>,
  format: 'text' | 'json',
): void {
  if (format === 'json') {
    terminal.stderr.write(`${JSON.stringify({ error: errorJson(error) })}\n`);
    return;
  }
  const lines = [`error: ${error.message} [${error.code}]`];
  for (const { code, message } of error.registryErrors.slice(0, 3)) {
    lines.push(`registry: ${printable(message ? `${code}: ${message}` : code)}`);
  }
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  terminal.stderr.write(`${lines.join('\n')}\n`);
}

/** What a registry sends may hold control characters, which a terminal would obey. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 500);
}
