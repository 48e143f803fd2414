/**
 * Characters that a terminal obeys, or that nobody sees: controls (C0, DEL, C1), line and paragraph separators, lone
 * surrogates, format characters (those that change the direction of text among them) and the other characters that
 * Unicode lets a display ignore. Variation selectors stay: they only choose how the character before them looks.
 */
const hidden =
  /(?![\ufe00-\ufe0f])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const everyHidden = new RegExp(hidden, 'gu');
const plain = /^[\u0020-\u007e]*$/;
// oxlint-disable-next-line no-control-regex -- line ends and tabs are what becomes a space
const spaces = /[\t-\r]+/g;

/** Whether a text holds a character that a terminal obeys or that nobody sees, a line end included. */
export function hasHiddenCharacter(text: string): boolean {
  return !plain.test(text) && hidden.test(text);
}

/** A text with each of its hidden characters as `\uXXXX`; `except` names those that stay. */
export function escapeHidden(text: string, except = ''): string {
  if (plain.test(text)) return text;
  return text.replace(everyHidden, (found) => (except.includes(found) ? found : escaped(found)));
}

/**
 * A text of others on one line, as people may see it: what registries, files and callers say may hold anything.
 * Line ends and tabs become a space, other hidden characters `\uXXXX`.
 */
export function printable(text: string): string {
  return plain.test(text) ? text : escapeHidden(text.replace(spaces, ' '));
}

/** The JSON of a value on one line, with hidden characters as `\uXXXX`: to a parser it is the same value. */
export function printableJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}

/** Any value on one line, to name it in an error: text in quotes and cut, of all else only its type. */
export function quoted(value: unknown, mostCharacters = 200): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, mostCharacters));
  if (typeof value !== 'object') return value === undefined ? 'undefined' : `a ${typeof value}`;
  return value === null ? 'null' : 'an object';
}

/** By UTF-16 units, as JSON does. */
function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
