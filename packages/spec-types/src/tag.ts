import { OciError } from './error.js';
import { quoted } from './printable.js';

/**
 * The name of a manifest in a repository (distribution-spec, "Pulling manifests"):
 * `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. Made only by {@link parseTag}.
 */
export type Tag = string & { readonly __brand: 'Tag' };

const grammar = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: unknown): text is Tag {
  return typeof text === 'string' && grammar.test(text);
}

/** @throws OciError `REFERENCE_INVALID` */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new OciError('REFERENCE_INVALID', `invalid tag ${quoted(text)}`, {
    hint: 'A tag has 1 to 128 letters, digits, ".", "_" or "-", and begins with a letter, digit or "_".',
  });
}

/**
 * The tag that a version is published under: `+`, which no tag may hold, becomes `_` (as Helm does).
 *
 * @throws OciError `REFERENCE_INVALID`
 */
export function tagOfVersion(version: string): Tag {
  return parseTag(version.replaceAll('+', '_'));
}

const withBuild = /^(v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)_([0-9A-Za-z.-]+)$/;

/** The version that a tag stands for: the inverse of {@link tagOfVersion} for semantic versions. */
export function versionOfTag(tag: Tag): string {
  return tag.replace(withBuild, '$1+$2');
}

const exactVersion = /^v?\d+\.\d+\.\d+(?:[-_+][0-9A-Za-z._-]*)?$/;

/** Whether a tag is a full version, which publishers don't move; `latest`, `1` and `1.2` do move. */
export function isExactVersion(tag: string): boolean {
  return exactVersion.test(tag);
}
