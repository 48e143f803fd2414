import { OciError } from './error.js';
import { quoted } from './printable.js';

/**
 * `<name>` of the distribution-spec ("Pulling manifests"): path components of lower-case letters
 * and digits, joined by `/`, each with `.`, `_`, `__` or dashes inside. At most 255 characters.
 * Made only by {@link parseRepositoryName}.
 */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
/** The grammar, for documents that state it; a name also has at most 255 characters. */
export const repositoryNameGrammar: RegExp = new RegExp(`^${component}(?:/${component})*$`);
const maxLength = 255;

export function isRepositoryName(text: unknown): text is RepositoryName {
  if (typeof text !== 'string') return false;
  return text.length <= maxLength && repositoryNameGrammar.test(text);
}

/** @throws OciError `REFERENCE_INVALID` */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw new OciError('REFERENCE_INVALID', `invalid repository name ${quoted(text, 300)}`, {
    hint: 'A repository name has lower-case letters, digits, and ".", "_", "-" between them; parts are joined by "/".',
  });
}
