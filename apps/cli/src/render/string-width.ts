import { stripVTControlCharacters } from 'node:util';

import { eastAsianWidth } from 'get-east-asian-width';

const plain = /^[\u0020-\u007e]*$/;

/** How many columns a terminal needs for a text; what is only style takes none. */
export function stringWidth(text: string): number {
  if (plain.test(text)) return text.length;
  const bare = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  return charactersOf(bare).reduce((width, character) => width + characterWidth(character), 0);
}

/** As readers count them. */
export function charactersOf(text: string): readonly string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}

/** Marks take no column, but those that stand beside a letter; an emoji, however it is made, takes two. */
function characterWidth(character: string): number {
  const [first = '', ...others] = character;
  if (/^[\p{Control}\p{Mark}\p{Format}]$/u.test(first)) return 0;
  const isEmoji = character.includes('\ufe0f') || /^\p{Emoji_Presentation}/u.test(character);
  if (isEmoji) return 2;
  const beside = others.filter((mark) => /^[\p{Spacing_Mark}\uff9e\uff9f]$/u.test(mark));
  return eastAsianWidth(character.codePointAt(0) ?? 0) + beside.length;
}
