import type { languages } from 'monaco-editor/editor/editor.api.js';

/** GNU syntax of A64 assembly, as far as colours need it; the assembler itself tells what is right. */
export const A64_TOKENS: languages.IMonarchLanguage = {
  ignoreCase: true,
  // Without it an empty match at the end of a line is never tried, and operands would go on into the next one.
  includeLF: true,
  registers: /(?:[wxbhsdqv](?:[12]?\d|3[01])|[wx]zr|w?sp|lr|fp)\b/,
  tokenizer: {
    root: [
      [/\s+/, ''],
      { include: '@comment' },
      [/[a-z_.$][\w.$]*(?=\s*:)/, 'type.identifier'],
      [/\d+(?=\s*:)/, 'type.identifier'],
      [/:/, 'delimiter'],
      [/\.[a-z_][\w.]*/, { token: 'keyword.directive', next: '@operands' }],
      [/[a-z][a-z0-9]*(?:\.[a-z0-9]+)?/, { token: 'keyword', next: '@operands' }],
      [/./, '@rematch', '@operands'],
    ],
    operands: [
      [/[ \t\r]+/, ''],
      [/\n/, '', '@pop'],
      { include: '@comment' },
      [/;/, 'delimiter', '@pop'],
      [/"(?:[^"\\]|\\.)*"?/, 'string'],
      [/'(?:[^'\\]|\\.)'?/, 'string'],
      [/#?:[a-z_]+[0-9]*(?:_[a-z]+)*:/, 'keyword.directive'],
      [/#?-?0x[0-9a-f]+/, 'number'],
      [/#?-?0b[01]+/, 'number'],
      [/#?-?\d+\.\d+(?:e[-+]?\d+)?/, 'number'],
      [/\d+[fb]\b/, 'type.identifier'],
      [/#?-?\d+/, 'number'],
      [/@registers/, 'variable.register'],
      [/\b(?:lsl|lsr|asr|ror|msl|[su]xt[bhwx])\b/, 'keyword.shift'],
      [/[a-z_.$][\w.$]*/, 'identifier'],
      [/[[\]{}(),!=+\-*/<>&|^~#]/, 'delimiter'],
    ],
    comment: [
      [/\/\/.*/, 'comment'],
      [/^\s*#.*/, 'comment'],
      [/\/\*/, 'comment', '@block'],
    ],
    block: [
      [/[^*]+/, 'comment'],
      [/\*\//, 'comment', '@pop'],
      [/\*/, 'comment'],
    ],
  },
};

export const A64_CONFIGURATION: languages.LanguageConfiguration = {
  comments: { lineComment: '//', blockComment: ['/*', '*/'] },
  brackets: [
    ['[', ']'],
    ['{', '}'],
    ['(', ')'],
  ],
  autoClosingPairs: [
    { open: '[', close: ']' },
    { open: '"', close: '"' },
  ],
  wordPattern: /[A-Za-z_.$][\w.$]*/,
};
