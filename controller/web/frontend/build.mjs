// Bundles src/ into ../static/dist with hashed names, each text beside its gzip, and writes manifest.json: plain name → file.
import { build } from "esbuild";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const out = join(import.meta.dirname, "..", "static", "dist");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// What only one page needs is loaded by that page alone: src/pages/map.js is asked for as map.js (and map.css).
const pages = Object.fromEntries(
  readdirSync(join(import.meta.dirname, "src", "pages"))
    .filter((file) => file.endsWith(".js") || file === "styleguide.css")
    .map((file) => [file.split(".")[0], `src/pages/${file}`]),
);

const { metafile } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: { app: "src/app.js", style: "src/app.css", icons: "src/icons.svg", favicon: "src/favicon.svg", ...pages },
  entryNames: "[name]-[hash]",
  outdir: out,
  bundle: true,
  minify: true,
  metafile: true,
  format: "iife",
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  loader: { ".svg": "copy", ".png": "dataurl" },
  legalComments: "linked",
  logLevel: "warning",
});

const manifest = {};
for (const path of Object.keys(metafile.outputs)) {
  const file = basename(path);
  manifest[file.replace(/-[A-Z0-9]{8}\./, ".")] = file;
  if (/\.(js|css|svg|txt)$/.test(file)) writeFileSync(join(out, `${file}.gz`), gzipSync(readFileSync(join(out, file)), { level: 9 }));
}
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
