import { printable } from '@oci/spec-types/text';

import { type Drawing, padded, styled } from './page.js';
import { stringWidth } from './string-width.js';

/** Names and values, a pair a line, values aligned; nothing is cut off. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): Drawing {
  const clean = pairs.map(([name, value]) => [printable(name), printable(value)] as const);
  const width = Math.max(0, ...clean.map(([name]) => stringWidth(name)));
  return (page) =>
    clean
      .map(([name, value]) => `${styled(page, 'dim', padded(name, width, 'left'))}  ${value}`)
      .join('\n');
}

/** Drawings below each other, with an empty line between them. */
export function stack(...parts: readonly (Drawing | string)[]): Drawing {
  return (page) =>
    parts
      .map((part) => (typeof part === 'string' ? part : part(page)))
      .filter((text) => text !== '')
      .join('\n\n');
}
