import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** `npx vite web` passes requests on to this service while the page is being worked on: SERVICE, or the usual port. */
const service = process.env.SERVICE ?? "http://127.0.0.1:5555";
const routes = [
  "/encode_text",
  "/encode_image",
  "/info",
  "/health",
  "/search",
  "/index",
  "/pictures",
  "/openapi.json",
  "/docs",
];

const outDir = join(import.meta.dirname, "../dist/web");

/** Leaves what is no picture as gzip beside itself, so that the service need neither make it nor keep it in memory. */
const packed: Plugin = {
  name: "packed",
  apply: "build",
  closeBundle() {
    if (!existsSync(outDir)) return; // the build has failed
    for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
      if (!/\.(html|js|css|json|svg|bin)$/.test(name)) continue;
      const file = join(outDir, name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [packed],
  root: import.meta.dirname,
  base: "./", // so that the page also works below a path of a proxy
  worker: { format: "es" },
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy that the page is served with allows no data: but for pictures
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000, // that of the API document's library, which only /docs loads
    rolldownOptions: {
      input: { index: `${import.meta.dirname}/index.html`, docs: `${import.meta.dirname}/docs.html` },
      output: {
        // Files of /docs lie apart, for the service may serve either page without the other.
        entryFileNames: ({ name }) => `${name === "docs" ? "docs" : "assets"}/[name]-[hash].js`,
        assetFileNames: ({ names }) => `${names.includes("docs.css") ? "docs" : "assets"}/[name]-[hash][extname]`,
      },
    },
  },
  server: { proxy: Object.fromEntries(routes.map((route) => [`^${route}($|[/?])`, service])) },
});
