import { build } from "esbuild";

await build({
  entryPoints: ["./src/index.tsx"],
  outfile: "./public/index.js",
  bundle: true,
  minify: true,
  sourcemap: true,
  target: ["chrome100", "firefox100", "safari15"],
});
