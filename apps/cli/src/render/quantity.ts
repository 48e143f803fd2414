import prettyBytes from 'pretty-bytes';

/** Bytes for people: `1.34 MB`. Fewer digits would be a matter of the locale, which takes 10 ms to load. */
export function sizeText(bytes: number): string {
  return prettyBytes(bytes);
}

/** A number of things, for people: `1 blob`, `2 blobs`. */
export function numberOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A length of time for people, two units at most: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 7 min`. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return join(minutes, 'min', whole % 60, 's');
  return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

/** A length of time as a clock shows it: `0:12`, `1:02:03`. */
export function clockText(milliseconds: number): string {
  const seconds = Math.min(Math.round(Math.max(0, milliseconds) / 1000), 359_999);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const short = hours > 0 ? `${hours}:${two(minutes % 60)}` : String(minutes);
  return `${short}:${two(seconds % 60)}`;
}

const units = [
  ['min', 60],
  ['h', 60 * 60],
  ['d', 24 * 60 * 60],
] as const;

/** When something was, for people: `5 min ago`; beyond thirty days, the date. */
export function ageText(then: Date, now: Date = new Date()): string {
  const seconds = (now.getTime() - then.getTime()) / 1000;
  if (Number.isNaN(seconds)) return '-';
  if (seconds < -60 || seconds > 30 * 24 * 60 * 60) return then.toISOString().slice(0, 10);
  const [unit, length] = units.findLast(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.max(0, Math.floor(seconds / length))} ${unit} ago`;
}

function join(first: number, unit: string, second: number, smaller: string): string {
  return second === 0 ? `${first} ${unit}` : `${first} ${unit} ${second} ${smaller}`;
}

/** Enough of a digest to tell it from others, as docker and oras show it. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(':') + 13);
}
