/**
 * Semantics ask their builder what code may differ by. To make all the code a row needs, its semantics are run once for each
 * combination of answers; what was asked, and in which order, becomes the tree by which an instruction finds its code.
 */
import type { Site } from './record.ts';

export interface Question {
  /** Answers are 0 … count − 1. */
  readonly count: number;
  readonly answer: (site: Site) => number;
}

export type Tree<Leaf> =
  { readonly question: Question; readonly children: readonly Tree<Leaf>[] } | { readonly leaf: Leaf };

export type Ask = (question: Question) => number;

export function explore<Leaf>(make: (ask: Ask) => Leaf): Tree<Leaf> {
  const visit = (answers: readonly number[]): Tree<Leaf> => {
    let asked: Question | undefined;
    let index = 0;
    const leaf = make((question) => {
      const given = answers[index++];
      if (given !== undefined) return given;
      asked ??= question;
      return 0;
    });
    if (!asked) return { leaf };
    const question = asked;
    const children = Array.from({ length: question.count }, (_, answer) => visit([...answers, answer]));
    return { question, children };
  };
  return visit([]);
}

export function find<Leaf>(tree: Tree<Leaf>, site: Site): Leaf {
  let node = tree;
  while ('question' in node) node = node.children[node.question.answer(site)]!;
  return node.leaf;
}

export function mapLeaves<From, To>(tree: Tree<From>, map: (leaf: From) => To): Tree<To> {
  if ('leaf' in tree) return { leaf: map(tree.leaf) };
  return { question: tree.question, children: tree.children.map((child) => mapLeaves(child, map)) };
}
