// Bundles src/ into ../static/dist with hashed names, and writes manifest.json: plain name → file.
import { build } from "esbuild";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const out = join(import.meta.dirname, "..", "static", "dist");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const { metafile } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: { app: "src/app.js", style: "src/app.css", icons: "src/icons.svg", favicon: "src/favicon.svg" },
  entryNames: "[name]-[hash]",
  outdir: out,
  bundle: true,
  minify: true,
  metafile: true,
  format: "iife",
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  loader: { ".svg": "copy" },
  legalComments: "linked",
  logLevel: "warning",
});

const manifest = {};
for (const path of Object.keys(metafile.outputs)) {
  const file = basename(path);
  manifest[file.replace(/-[A-Z0-9]{8}\./, ".")] = file;
}
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2));
