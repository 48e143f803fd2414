import { type DocumentSchema, type Finding, isObject } from './document-schema.js';

/** How a manifest is read; without options exactly as the specifications have it. */
export interface ReadingOptions {
  /**
   * Leaves out fields that are wrong and lead to no content (an annotation that is no text, half a platform),
   * and takes duplicate names and a wrong `Content-Type`. What leads to content has to be right all the same.
   */
  readonly lenient?: boolean | undefined;
  /** Hears of each field that was left out: its path with dots, and what is wrong. */
  readonly onIgnored?: ((reason: string) => void) | undefined;
}

/** Each takes two checks of the whole document. */
const mostIgnored = 20;

/** Without these a manifest would be read as another one. */
const essential: ReadonlySet<PropertyKey> = new Set([
  'schemaVersion',
  'mediaType',
  'config',
  'layers',
  'manifests',
  'subject',
]);

/** Removes optional fields that are wrong from a value, which is changed; whatever else is wrong stays. */
export function ignoreWrongFields(
  schema: DocumentSchema<unknown>,
  value: unknown,
  onIgnored: ReadingOptions['onIgnored'],
): void {
  for (let ignored = 0; ignored < mostIgnored; ignored += 1) {
    const finding = schema.check(value);
    if (!finding || !removeOptional(schema, value, finding)) return;
    onIgnored?.(`${finding.path.join('.').slice(0, 200)}: ${finding.message}`);
  }
}

/** Removes the innermost object member around a finding that may be missing. @returns false without one */
function removeOptional(
  schema: DocumentSchema<unknown>,
  value: unknown,
  { path }: Finding,
): boolean {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = memberAt(value, path.slice(0, depth - 1));
    const key = path[depth - 1] ?? '';
    if (!isObject(parent)) continue;
    if (depth === 1 && essential.has(key)) return false;
    const isThere = Object.hasOwn(parent, key);
    const removed = parent[key];
    delete parent[key];
    const next = schema.check(value);
    if (!path.slice(0, depth).every((step, at) => next?.path[at] === step)) return true;
    if (isThere) parent[key] = removed;
  }
  return false;
}

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let member = value;
  for (const key of path) member = Reflect.get(Object(member) as object, key);
  return member;
}
