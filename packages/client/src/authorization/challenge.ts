/** One challenge of `WWW-Authenticate` (RFC 9110, section 11.6.1); names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const character = "[!#$%&'*+.^_`|~0-9A-Za-z-]";
const token = `${character}+`;
const parameter = `(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`;
/** A scheme, and what is not a parameter behind it (`token68`). */
const scheme = `(${token})(?!${character}|\\s*=)(?:[ \\t]+(${token}=*)(?=\\s*(?:,|$)))?`;
const part = new RegExp(`\\s*(?:,\\s*)*(?:${parameter}|${scheme})`, 'y');

/**
 * Reads all challenges of all header lines: several may share a line, in any case of letters, with
 * quoted or bare values. What can't be read ends its line.
 */
export function parseChallenges(lines: readonly string[]): readonly Challenge[] {
  return lines.flatMap((line) => parseLine(line.slice(0, 8192)));
}

function parseLine(line: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  part.lastIndex = 0;
  for (let match = part.exec(line); match; match = part.exec(line)) {
    const [, name, quoted, bare, scheme] = match;
    if (scheme !== undefined) {
      challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    } else if (name !== undefined) {
      const value = quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/g, '$1');
      const parameters = challenges.at(-1)?.parameters;
      if (parameters) parameters[name.toLowerCase()] ??= value;
    }
    if (part.lastIndex >= line.length) break;
  }
  return challenges;
}
