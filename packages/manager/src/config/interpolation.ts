import { OciError } from '@oci/spec-types';

import { isTable } from './table.js';

const placeholder = /\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}/g;

/** Where a value stands, for what it may refer to and for messages. */
export interface InterpolationContext {
  readonly document: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly key: string;
}

/**
 * Replaces `{{dotted.path}}` in texts, also those in lists and tables, by the value that the document has
 * there, which may hold placeholders itself.
 *
 * @throws OciError `CONFIG_INVALID` for a path that leads nowhere, to a table, or in a circle
 */
export function interpolate(
  value: unknown,
  context: InterpolationContext,
  seen: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolate(item, context, seen));
  if (isTable(value)) {
    const items = Object.entries(value).map(([key, item]) => [
      key,
      interpolate(item, { ...context, key: `${context.key}.${key}` }, seen),
    ]);
    return Object.fromEntries(items) as unknown;
  }
  if (typeof value !== 'string') return value;
  return value.replace(placeholder, (_, target: string) => {
    if (seen.includes(target)) {
      throw invalid(
        context,
        `{{${target}}} refers to itself through ${[...seen, target].join(' -> ')}`,
      );
    }
    const found = lookUp(context.document, target);
    if (typeof found !== 'string' && typeof found !== 'number' && typeof found !== 'boolean') {
      throw invalid(
        context,
        `{{${target}}} is ${found === undefined ? 'not set' : 'not a simple value'}`,
      );
    }
    return String(interpolate(found, context, [...seen, target]));
  });
}

function lookUp(document: Readonly<Record<string, unknown>>, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    const isTable = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return isTable ? (value as Record<string, unknown>)[key] : undefined;
  }, document);
}

function invalid({ path, key }: InterpolationContext, why: string): OciError {
  return new OciError('CONFIG_INVALID', `orchestrator.oci.${key} in ${path}: ${why}`, {
    hint: 'A placeholder is the dotted path of another value of the same file.',
  });
}
