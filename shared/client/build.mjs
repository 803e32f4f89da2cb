/**
 * One ES module for browsers, in a readable and a small form: dist/plexus-client.js and .min.js.
 * Of @plexus/protocol, only what the client uses goes in.
 */
import { build } from "esbuild";

/** The catalogue's neighbours make constants when they load; marking them free of effects leaves them out. */
const withoutUnusedProtocol = {
  name: "without-unused-protocol",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, kind, resolveDir, importer, pluginData }) => {
      const isProtocol = path.startsWith("@plexus/protocol") || /[\\/]protocol[\\/]dist[\\/]/.test(importer);
      if (!isProtocol || pluginData?.isOurs) return undefined;
      const resolved = await resolve(path, { kind, resolveDir, importer, pluginData: { isOurs: true } });
      return { path: resolved.path, errors: resolved.errors, sideEffects: false };
    });
  },
};

const bundle = {
  entryPoints: ["dist/index.js"],
  bundle: true,
  format: "esm",
  platform: "browser",
  target: ["es2022"],
  sourcemap: true,
  legalComments: "none",
  plugins: [withoutUnusedProtocol],
};

await build({ ...bundle, outfile: "dist/plexus-client.js" });
await build({ ...bundle, outfile: "dist/plexus-client.min.js", minify: true });
