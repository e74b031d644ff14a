// Goes through ../conformance.json in Node: node dist/conformance-node.js URL TRANSPORT client=KEY secret=SECRET
// TRANSPORT is grpc, connect or grpc-web; the last two are those of browsers, over fetch.
// Prints a line per step. The first difference ends it with status 1.

import { readdirSync, readFileSync } from "node:fs";
import type { Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { follow, servicesOf, type Step } from "./conformance.js";

const GEN = new URL("gen/", import.meta.url);
const TRANSPORTS = { grpc: createGrpcTransport, connect: createConnectTransport, "grpc-web": createGrpcWebTransport };

const [url, transport, ...words] = process.argv.slice(2);
const create = TRANSPORTS[transport as keyof typeof TRANSPORTS];
const files = readdirSync(GEN, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("_pb.js"));
const modules = await Promise.all(files.map((name) => import(new URL(name, GEN).href) as Promise<object>));
const { steps } = JSON.parse(readFileSync(new URL("../../conformance.json", import.meta.url), "utf8")) as { steps: Step[] };
const connect = (interceptors: Interceptor[]) => create({ baseUrl: url!, interceptors });
// Not grpc: no npm package has the service of such a step.
const same = await follow(steps, servicesOf(modules), connect, words, ["server"], console.log);
process.exit(same ? 0 : 1);
