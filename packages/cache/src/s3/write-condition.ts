import type { PutCondition } from '../store/object-store.js';

/** A condition as the headers of S3 say it. */
export interface WriteCondition {
  readonly IfNoneMatch?: '*';
  readonly IfMatch?: string;
}

export function writeCondition(condition: PutCondition | undefined): WriteCondition {
  if (!condition) return {};
  return 'ifAbsent' in condition ? { IfNoneMatch: '*' } : { IfMatch: condition.ifVersion };
}
