import { OciError, type Tag, isBookkeepingTag } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Chooses tags: by patterns, in which `*` is any text, or by a function. */
export type TagChoice = readonly string[] | ((tag: Tag) => boolean);

/**
 * Returns what a choice lets through. Without one it is all tags but those that tools keep their records by.
 *
 * @throws OciError `USAGE`
 */
export function tagFilter(choice: TagChoice | undefined): (tag: Tag) => boolean {
  if (choice === undefined) return (tag) => !isBookkeepingTag(tag);
  if (typeof choice === 'function') return choice;
  if (!Array.isArray(choice)) throw noChoice(choice);
  const patterns = choice.map(patternOf);
  return (tag) => patterns.some((pattern) => pattern.test(tag));
}

function patternOf(text: unknown): RegExp {
  if (typeof text !== 'string' || !/^[\w.*-]{1,128}$/.test(text)) throw noChoice(text);
  const parts = text.split(/\*+/).map((part) => part.replace(/[.-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

function noChoice(value: unknown): OciError {
  return new OciError('USAGE', `${quoted(value)} chooses no tags`, {
    hint: "Give patterns such as ['1.*', 'latest'], or a function of a tag.",
  });
}
