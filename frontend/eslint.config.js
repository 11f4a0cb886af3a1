import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** A folder may not import the folders that stand above it. */
function wall(files, folders, message) {
  return {
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: `^(\\.\\./)+(${folders.join('|')})(/|$)`, message }] },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.ts', '*.js', 'scripts'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, reactHooks.configs.flat.recommended],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } },
      ],
    },
  },
  wall(['src/panes/**'], ['shell'], 'A pane is put into the shell, it does not reach for it.'),
  wall(
    [
      'src/answers/**',
      'src/sources/**',
      'src/claims/**',
      'src/desk/**',
      'src/exports/**',
      'src/session/**',
    ],
    ['shell', 'panes'],
    'A feature knows neither the panes made of it nor the shell.',
  ),
  wall(
    ['src/editor/**'],
    ['shell', 'panes', 'api', 'answers', 'sources', 'claims', 'desk'],
    'The editor is handed what it needs.',
  ),
  wall(
    ['src/api/**'],
    ['shell', 'panes', 'answers', 'sources', 'claims', 'desk', 'editor', 'session', 'ui'],
    'The API client is at the bottom.',
  ),
  wall(
    ['src/ui/**'],
    ['shell', 'panes', 'answers', 'sources', 'claims', 'desk', 'editor', 'session', 'api'],
    'ui knows nothing of the product.',
  ),
);
