import { OciError } from './error.js';

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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OciError('DOCUMENT_INVALID', 'the document is not JSON', { cause });
  }
  refuseDuplicateNames(text);
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OciError('DOCUMENT_INVALID', 'the document is not UTF-8', { cause });
  }
}

/** Walks the tokens of a text that `JSON.parse` accepted, and compares the names of each object. */
function refuseDuplicateNames(text: string): void {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  const open: (Set<string> | undefined)[] = [];
  let expectName = false;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const lexeme = match[0];
    if (lexeme === '{' || lexeme === '[') {
      open.push(lexeme === '{' ? new Set() : undefined);
      if (open.length > maxDepth) throw new OciError('DOCUMENT_INVALID', 'the document is nested too deeply');
      expectName = lexeme === '{';
    } else if (lexeme === '}' || lexeme === ']') {
      open.pop();
      expectName = false;
    } else if (lexeme === ',') {
      expectName = open.at(-1) !== undefined;
    } else if (lexeme === ':') {
      expectName = false;
    } else if (expectName) {
      addName(open.at(-1), JSON.parse(lexeme) as string);
      expectName = false;
    }
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (name === '__proto__') throw new OciError('DOCUMENT_INVALID', 'the document has a "__proto__" name');
  if (names?.has(name)) {
    throw new OciError('DOCUMENT_INVALID', `the document has the name ${JSON.stringify(name)} twice in one object`);
  }
  names?.add(name);
}
