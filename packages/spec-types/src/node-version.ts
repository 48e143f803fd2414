/**
 * What a program says on a Node.js that cannot run it; undefined on one that can. Loads nothing, and is written so
 * that an older Node.js reads it.
 *
 * @param version as `process.versions.node` has it
 */
export function unsupportedNode(program: string, version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isSupported = (major === 20 && minor >= 20) || (major === 22 && minor >= 12) || major > 22;
  if (isSupported) return undefined;
  return `${program} needs Node.js ${major <= 20 ? '20.20' : '22.12'} or newer, this is ${version}`;
}
