/// <reference types="vitest/config" />
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const server = process.env['STRATMASTER_SERVER'] ?? 'http://127.0.0.1:8000';

// The server answers its own pages only: requests are passed on as if they came from one.
const proxied = { target: server, changeOrigin: true, headers: { origin: server } };

/** Names in index.html what main.tsx will import, so that all of it is fetched from the beginning. */
function preloaded(): Plugin {
  return {
    name: 'preloaded',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const wanted = new Set<string>();
        const want = (name: string) => {
          const chunk = bundle[name];
          if (chunk?.type !== 'chunk' || wanted.has(name)) return;
          wanted.add(name);
          chunk.imports.forEach(want);
        };
        for (const chunk of Object.values(bundle))
          if (chunk.type === 'chunk' && chunk.isEntry) chunk.dynamicImports.forEach(want);
        return [...wanted]
          .filter((name) => !html.includes(name))
          .map((name) => ({
            tag: 'link',
            injectTo: 'head' as const,
            attrs: { rel: 'modulepreload', crossorigin: true, href: `/${name}` },
          }));
      },
    },
  };
}

/** Puts what the server sends instead beside each file: a quarter of the bytes. */
function packed(): Plugin {
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  return {
    name: 'packed',
    apply: 'build',
    writeBundle({ dir = '' }) {
      for (const name of readdirSync(join(dir, 'assets'))) {
        if (!/\.(js|css)$/.test(name)) continue;
        const file = join(dir, 'assets', name);
        const bytes = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, options));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), preloaded(), packed()],
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': proxied,
      '/rooms': { ...proxied, ws: true },
    },
  },
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 700,
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // The libraries change least often and are cached on their own. A brief's session
          // needs the first only, and starts while the rest is read.
          groups: [
            {
              name: 'first',
              test: /node_modules[\\/](yjs|y-protocols|lib0|react)[\\/]/,
            },
            { name: 'editor', test: /node_modules[\\/](@tiptap|prosemirror|rope|orderedmap)/ },
            { name: 'react-dom', test: /node_modules[\\/](react-dom|scheduler)[\\/]/ },
            { name: 'ui', test: /node_modules[\\/](@radix-ui|radix-ui|cmdk|@floating-ui|lucide)/ },
          ],
        },
      },
    },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
    maxWorkers: 2,
  },
});
