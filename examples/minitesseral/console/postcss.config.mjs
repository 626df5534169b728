import tailwindcss from "@tailwindcss/postcss";

// The plugin is imported here rather than named, because postcss would load it
// with require, and parts of it are ES modules that Node.js 22.11 can't require.
// Minified whatever NODE_ENV says, and without an inline map, so that the same
// sources always give the same bytes.
export default {
  map: false,
  plugins: [tailwindcss({ optimize: { minify: true } })],
};
