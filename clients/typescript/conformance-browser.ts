// Goes through ../conformance.json in a page of Chromium, bundled as an application's would be and served from another origin than
// Gamehall: node dist/conformance-browser.js URL TRANSPORT client=KEY secret=SECRET. CHROMIUM says where it is, unless it is on the PATH.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const [url, transport, ...words] = process.argv.slice(2);
const files = readdirSync(`${HERE}gen`, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("_pb.js"));
const imports = files.map((name, index) => `import * as module${index} from "./gen/${name}";`);
const modules = files.map((_, index) => `module${index}`);
const entry = [...imports, 'import { offer } from "./conformance-page.js";', `offer([${modules.join(", ")}]);`].join("\n");
const bundle = await build({
  stdin: { contents: entry, resolveDir: HERE },
  bundle: true,
  format: "iife",
  platform: "browser",
  write: false,
});
const page = `<!doctype html><meta charset="utf-8"><title>Conformance</title><script>${bundle.outputFiles[0]!.text.replaceAll("</", "<\\/")}</script>`;
const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(page)).listen(0, "127.0.0.1");
const paths = (process.env["PATH"] ?? "").split(":").map((folder) => `${folder}/chromium`);
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? paths.find((path) => existsSync(path))!,
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});
const tab = await browser.newPage();
tab.on("console", (message) => message.type() === "log" && console.log(message.text()));
await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
const { steps } = JSON.parse(readFileSync(new URL("../../conformance.json", import.meta.url), "utf8")) as { steps: unknown[] };
const same = await tab.evaluate<boolean, unknown[]>(
  ([url, transport, steps, words]) => (globalThis as unknown as { run: (...given: unknown[]) => Promise<boolean> }).run(url, transport, steps, words),
  [url, transport, steps, words],
);
await browser.close();
process.exit(same ? 0 : 1);
