import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** What each floor of src may import: the column of the design's table. */
const MAY_IMPORT = {
  abi: [],
  isa: ['abi'],
  engine: ['isa', 'abi'],
  machine: ['engine', 'isa', 'abi'],
  kvm: ['machine', 'engine', 'abi'],
  host: ['kvm', 'machine', 'abi'],
  vmm: ['host', 'abi'],
  session: ['vmm', 'host', 'kvm', 'machine', 'engine', 'isa', 'abi'],
  labs: ['session'],
  ui: ['session', 'labs', 'embed'],
  embed: ['session', 'ui'],
  cli: ['session', 'labs', 'vmm', 'host', 'abi'],
};
const floors = Object.keys(MAY_IMPORT);

const importRules = floors.map((floor) => {
  const forbidden = floors.filter((other) => other !== floor && !MAY_IMPORT[floor].includes(other));
  const patterns = [
    {
      regex: `^(\\.\\./)+(src/)?(${forbidden.join('|')})(/|$)`,
      message: `src/${floor} may import: ${MAY_IMPORT[floor].join(', ') || 'nothing'}.`,
    },
  ];
  if (floor === 'ui' || floor === 'embed' || floor === 'labs') {
    patterns.push({
      regex: '^(\\.\\./)+session/(?!(messages|types)\\b)',
      message: `src/${floor} sees the session's types alone: src/session/messages.ts.`,
    });
  }
  return {
    files: [`src/${floor}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.ts', '**/*.test.tsx'],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
});

export default tseslint.config(
  { ignores: ['dist', 'dist-cli', 'node_modules', 'test-results', 'playwright-report'] },
  ...tseslint.configs.strict,
  {
    languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['types/**'], rules: { '@typescript-eslint/no-extraneous-class': 'off' } },
  { files: ['src/ui/**/*.tsx', 'src/ui/**/*.ts'], ...hooks.configs.flat.recommended },
  { files: ['src/cli/**', 'scripts/**', 'bench/**', 'bin/**', 'e2e/**'], rules: { 'no-console': 'off' } },
  ...importRules,
);
