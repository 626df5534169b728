import { build } from "esbuild";

for (const name of ["CONSOLE_API_URL", "CONSOLE_DOGFOOD_PROJECT_ID"]) {
  if (process.env[name] === undefined) {
    console.error(`${name} is not set: it is compiled into the console.`);
    process.exit(1);
  }
}

await build({
  entryPoints: ["./src/index.tsx"],
  outfile: "./public/index.js",
  bundle: true,
  minify: true,
  sourcemap: true,
  target: ["chrome100", "firefox100", "safari15"],
  define: {
    __REPLACED_BY_ESBUILD_API_URL__: JSON.stringify(process.env.CONSOLE_API_URL),
    __REPLACED_BY_ESBUILD_DOGFOOD_PROJECT_ID__: JSON.stringify(process.env.CONSOLE_DOGFOOD_PROJECT_ID),
  },
});
