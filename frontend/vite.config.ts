/// <reference types="vitest/config" />
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env['STRATMASTER_SERVER'] ?? 'http://127.0.0.1:8000';

// The server answers its own pages only: requests are passed on as if they came from one.
const proxied = { target: server, changeOrigin: true, headers: { origin: server } };

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
    rolldownOptions: {
      output: {
        codeSplitting: {
          // The editor is the largest part and changes least often: it is cached on its own.
          groups: [
            {
              name: 'editor',
              test: /node_modules[\\/](@tiptap|prosemirror|yjs|y-|lib0|rope|orderedmap)/,
            },
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
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
