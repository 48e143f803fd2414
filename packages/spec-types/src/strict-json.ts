import { OciError, asOciError } from './error.js';

/** Deeper documents are refused: no OCI document comes near, and recursion stays bounded. */
const maxDepth = 64;

/**
 * Parses UTF-8 JSON of I-JSON (RFC 7493): one value, no duplicate names, valid UTF-8, no byte
 * order mark. Objects that hold a `__proto__` name are refused.
 *
 * @throws OciError `DOCUMENT_INVALID`
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  try {
    checkStructure(text);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (cause instanceof OciError) throw cause;
    throw invalidDocument('the document is not JSON', cause);
  }
}

/**
 * Parses JSON as everybody else does: of duplicate names the last counts.
 *
 * @param onIgnored hears what a strict reader refuses
 * @throws OciError `DOCUMENT_INVALID` for what is no JSON
 */
export function parseLenientJson(
  bytes: Uint8Array,
  onIgnored: ((reason: string) => void) | undefined,
): unknown {
  try {
    return parseStrictJson(bytes);
  } catch (cause) {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw cause;
    }
    onIgnored?.(asOciError(cause).message);
    return value;
  }
}

/** What every unreadable document ends in. */
export function invalidDocument(message: string, cause?: unknown): OciError {
  const hint = 'Whoever published it has to publish a correct one.';
  return new OciError('DOCUMENT_INVALID', message, { hint, cause });
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidDocument('the document is not UTF-8', cause);
  }
}

/** What is open at some depth: an array, an object without a name yet, or the names of one. */
type Level = 'array' | 'object' | Set<string>;

/**
 * Compares the names of each object and bounds the depth, in one pass and before anything is built.
 * What else is wrong with a text is left to `JSON.parse`.
 */
function checkStructure(text: string): void {
  const open: Level[] = [];
  let expectName = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (expectName) addName(open, text.slice(at, end + 1));
      expectName = false;
      at = end;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? 'object' : 'array');
      if (open.length > maxDepth) throw invalidDocument('the document is nested too deeply');
      expectName = character === '{';
    } else if (character === '}' || character === ']') {
      open.pop();
      expectName = false;
    } else if (character === ',') {
      expectName = open.length > 0 && open.at(-1) !== 'array';
    }
  }
}

/** The position of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function addName(open: Level[], lexeme: string): void {
  const name = JSON.parse(lexeme) as string;
  if (name === '__proto__') throw invalidDocument('the document has a "__proto__" name');
  const names = open.at(-1);
  if (!(names instanceof Set)) {
    open[open.length - 1] = new Set([name]);
  } else if (names.has(name)) {
    const shown = JSON.stringify(name.slice(0, 100));
    throw invalidDocument(`the document has the name ${shown} twice in one object`);
  } else {
    names.add(name);
  }
}
