import { printable } from '@oci/spec-types/text';

import { type Drawing, type Page, fitted } from './page.js';

export interface TreeNode {
  readonly label: string;
  /** Said behind the label, of less importance: it gives way on a narrow page. */
  readonly note?: string;
  readonly children?: readonly TreeNode[];
}

/** A tree, a node a line. */
export function tree(root: TreeNode): Drawing {
  return (page) => lines(root, { lead: '', rest: '', page }).join('\n');
}

function lines(
  node: TreeNode,
  { lead, rest, page }: { lead: string; rest: string; page: Page },
): readonly string[] {
  const { tee, corner, bar } = page.unicode
    ? { tee: '├── ', corner: '└── ', bar: '│   ' }
    : { tee: '|-- ', corner: '`-- ', bar: '|   ' };
  const { children = [] } = node;
  const below = children.flatMap((child, at) => {
    const isLast = at === children.length - 1;
    return lines(child, {
      lead: `${rest}${isLast ? corner : tee}`,
      rest: `${rest}${isLast ? '    ' : bar}`,
      page,
    });
  });
  const note = node.note === undefined ? '' : `  ${printable(node.note)}`;
  const text = `${lead}${printable(node.label)}${note}`;
  return [fitted(text, page.width, page), ...below];
}
